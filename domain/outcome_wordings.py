"""What mail servers say in words, as data. The first rule that fits decides, so order matters.

Each row names its source: an RFC, the mail server that speaks so, or the kind of page it is from.
Matched with addresses and links taken out.
"""

from __future__ import annotations

from domain.outcome_rules import GOOGLE, Rule, rule
from domain.outcome_rules import OutcomeClass as C

RFC = "RFC 5321, RFC 3463 and their registry (RFC 5248)"
POSTFIX = "Postfix: smtpd_check, virtual and cleanup; policyd-spf, postgrey"
SENDMAIL = "Sendmail: cf/README, sendmail.cf messages"
EXIM = "Exim: default configuration, src/verify.c"
QMAIL = "qmail: qmail-smtpd.c, qmail-send.c; chkuser patch"
EXCHANGE = "Exchange: NDR texts"
DNSBL = "wordings of DNSBL operators' recommended reject texts"
WIDE = "wordings shared by several providers' published error pages"

WORDING_RULES: tuple[Rule, ...] = (
    rule(
        C.MIME,
        r"(?:duplicate|multiple|more than one|missing|malformed)[^.]{0,30}\bheaders?\b",
        r"\bheaders?\b[^.]{0,20}(?:duplicate|missing|malformed|not (?:rfc|unique))",
        source="RFC 5322 §3.6; " + WIDE,
    ),
    # ---- about the sender's identity: before "rejected", "unknown" and "domain"
    rule(
        C.AUTH_FAIL,
        r"\bDMARC\b",
        r"\bSPF\b",
        r"\bDKIM\b",
        r"sender policy framework|domainkeys",
        r"\bsender[- ]?id\b",
        r"purported responsible",
        source="RFC 7208, 6376, 9989; " + WIDE,
    ),
    rule(
        C.AUTH_FAIL,
        r"reverse[ -]?(?:dns|lookup|hostname|host name)|\brdns\b",
        r"\bPTR\b",
        r"(?:cannot|can't|could not|unable to) (?:find|resolve) your (?:reverse )?host",
        r"(?:ip|client|host) ?name lookup failed",
        r"mismatch(?:es)? (?:the )?(?:client|sender|sending)[ -]?ip",
        r"(?:helo|ehlo)(?: command)?(?: name)?:? (?:reject|invalid|bad|not|mismatch)",
        r"invalid (?:helo|ehlo|domain name)|need fully-qualified hostname",
        source=POSTFIX,
    ),
    rule(
        C.AUTH_FAIL,
        r"sender(?:'s)? (?:e-?mail |mail )?(?:address|domain)[^.]{0,40}(?:reject|not exist"
        r"|invalid|not found|not verif|unverif|refused)",
        r"domain of sender",
        r"(?:invalid|bad|unknown|unverified) sender|sender (?:verify|verification) fail",
        r"sender denied",
        r"emetteur invalide|exp[eé]diteur (?:invalide|refus)",
        r"from (?:address|domain|header)[^.]{0,40}(?:not (?:verified|allowed|permitted|exist)"
        r"|unverified|reject)",
        r"not allowed (?:to send (?:from|as)|as a from)",
        r"(?:email )?address is not verified",
        r"unauthenticated (?:e-?mail|mail|message)|sender is unauthenticated|not authenticated",
        r"^\W*(?:\d\.\d\.\d+ )?(?:\S+ )?[\w-]+(?:\.[\w-]+)+ does not exist(?: E\d+)?\W*$",
        source=SENDMAIL + "; " + WIDE,
    ),
    # ---- about the message's form
    rule(
        C.TOO_BIG,
        r"(?:message|mail|e-?mail|data|content|header)s?(?: file)? ?(?:size|length|line)s?"
        r"[^.]{0,30}(?:exceed|limit|too)",
        r"message (?:is )?too (?:big|large|long)|too (?:big|large) (?:a )?(?:message|mail)",
        r"exceed(?:s|ed)?[^.]{0,40}(?:message|mail) (?:size|length)",
        r"max(?:imum)? (?:message|mail) size",
        r"size limit|line (?:length |)limit exceeded|line(?: is)? too long",
        r"exceeded storage allocation \(message",
        source="RFC 1870; " + POSTFIX,
    ),
    rule(
        C.MIME,
        r"RFC ?-?2?822|RFC 5322|RFC ?compliant|not (?:rfc|standards?)[- ]compliant",
        r"(?:duplicate|multiple|missing|malformed|invalid|bad|illegal)[^.]{0,30}(?:header"
        r"|message-id|from:|subject)",
        r"multiple addresses in from|header error|(?:in|a) (?:disallowed )?header|malformed",
        r"bare (?:lf|cr|newline)",
        r"media error|mime (?:error|violation|structure)|improper use of 8-?bit|conversion",
        source="RFC 5322, RFC 2045; " + POSTFIX,
    ),
    rule(
        C.PROTOCOL,
        r"too many recipients(?! (?:this|per|in|within|an?) )",
        r"syntax error|command (?:parameter )?(?:not |un)(?:implemented|recogni[sz]ed)",
        r"unrecogni[sz]ed command",
        r"bad sequence|nested mail|must issue|starttls|TLS (?:required|is required|connection)",
        r"encryption required",
        r"size per transaction|smtputf8|improper command pipelining|protocol error",
        source=RFC,
    ),
    # ---- about one mailbox that is there
    rule(
        C.INACTIVE,
        r"out of storage[^.]{0,20}and inactive",
        r"(?<!your )(?<!sender )(?:account|mail ?box|user|recipient|boite|compte)\b[^.]{0,60}"
        r"\b(?:disabled|inactive|deactivated|suspended|discontinued|locked|frozen|closed"
        r"|expired"
        r"|archiv[eé]e|d[eé]sactiv[eé]e?|not active|no longer active|terminated)\b",
        r"(?:address|e-?mail)\b[^.]{0,40}\b(?:disabled|inactive|deactivated"
        r"|no longer active)\b",
        r"(?:recipient account|mail ?box|compte du destinataire) (?:is |est )?(?:blocked"
        r"|bloqu[eé])",
        r"due to inactivity",
        r"(?:disabled|inactive|deactivated|suspended|locked|dormant|expired) (?:e-?mail "
        r"|mail )?"
        r"(?:account|mailbox|user|recipient)",
        source="RFC 3463 x.2.1; " + WIDE,
    ),
    rule(
        C.RECIPIENT_RATE,
        r"(?:user|recipient|mailbox)[^.]{0,40}receiving mail (?:too|at a rate)",
        r"recipient has exceeded[^.]{0,40}\b(?:per|messages)",
        r"recipient[^.]{0,30}(?:rate|hourly|per[- ]hour)[^.]{0,20}(?:limit|exceed)",
        r"too many (?:messages|mails|emails) (?:to|for) (?:this |the )?(?:recipient|user"
        r"|mailbox)",
        source=GOOGLE + "; RFC 5248 5.2.121",
    ),
    rule(
        C.REPUTATION_BLOCK,
        r"(?:relay|sending|daily|hourly|message|connection|rate)[^.]{0,20}quota",
        r"quota for sending|peak smtp relay",
        source=GOOGLE,
    ),
    rule(
        C.MAILBOX_FULL,
        r"(?:mail ?box|inbox|mail ?folder|mail ?drop|user|account|boite)[^.]{0,40}\b(?:full"
        r"|pleine)\b",
        r"full mail ?box",
        r"over[ -]?(?:the )?(?:\w+ )?quota|quota[^.]{0,30}(?:exceed|full|reached|violat)",
        r"exceed[^.]{0,40}quota|disk quota",
        r"(?:mail ?box|storage|allocated)[^.]{0,30}(?:exceed|limit|allocation|space)",
        r"out of storage|exceeded storage",
        r"not enough (?:storage|space|disk|room)[^.]{0,20}(?:mail|user|account|recipient)",
        r"(?:postfach|mailbox)[^.]{0,20}(?:voll|[üu]berf[üu]llt)|casella[^.]{0,20}piena",
        r"buz[oó]n[^.]{0,20}lleno|caixa[^.]{0,20}cheia",
        source="RFC 3463 x.2.2; " + POSTFIX,
    ),
    rule(
        C.GREYLIST,
        r"gr[ae]y[- ]?list",
        r"you are (?:being )?(?:new|unknown)[^.]{0,30}(?:try|retry) ",
        r"not yet authori[sz]ed to deliver|first (?:time )?(?:attempt|contact)",
        r"try again (?:in|after) \d+ ?(?:s|m)",
        source=POSTFIX + " (postgrey), milter-greylist, sqlgrey",
        codes="4",
    ),
    # ---- about the sender's reputation
    rule(
        C.REPUTATION_BLOCK,
        r"spamhaus|spamcop|barracuda|\bsorbs\b|\buceprotect|abuseat|invaluement|spamrats",
        r"proofpoint|cloudmark",
        r"\b(?:black|block|deny|exploits? block|white|allow)[ -]?list|\bRBLs?\b|\bDNSBL|\(BL\)",
        r"\b(?:XBL|SBL|PBL|CSS|DBL)\b",
        r"\blisted (?:in|on|at|by)\b|due to (?:a )?listing|banned sending ip",
        r"blocked (?:using|by|for|ip|for the day)",
        r"\bblocked\b(?![^.]{0,20}\b(?:content|attachment|message has been))[^.]{0,60}\b(?:ip"
        r"|host|network|server|address|spam)",
        r"(?:ip|host|server|network|client|connection)s?\b[^.]{0,40}\b(?:block(?:ed|ing)"
        r"|bloqu[eé]e?|banned|denied|not allowed|not accepted)\b",
        r"client host rejected|\bdynamic ip\b|\bAUP#",
        r"reputation|unsolicited mail|user complaints|suspicious|has been sending spam",
        source=DNSBL + "; " + WIDE,
    ),
    rule(
        C.REPUTATION_BLOCK,
        r"rate[- ]?limit|\bfrequency limited|throttl",
        r"too many (?:\w+ ){0,2}(?:messages|mails|connections|sessions|requests)",
        r"too many[^.]{0,30}\b(?:this|per|an|in an|within the|last) (?:hour|minute|day)",
        r"(?:unusual|excessive|unexpected) (?:rate|volume|number|amount)",
        r"exceeded[^.]{0,30}(?:rate|number of (?:messages|connections|mails))",
        r"trop de (?:connexions|messages)|max number of messages|sending limit",
        r"temporarily (?:deferred|blocked)|service refus[eé]",
        source=WIDE,
    ),
    # ---- about the content
    rule(
        C.CONTENT,
        r"(?:message|mail|content|e-?mail)[^.]{0,60}\b(?:spam|junk|UBE|UCE|virus|malware"
        r"|phish|malicious|harmful)",
        r"\b(?:spam|virus|malware|phishing|viruses|worm)\b[^.]{0,40}(?:detect|found|content"
        r"|message|reject|suspect|score|infected)",
        r"(?:because|due to)[^.]{0,20}\bcontent\b",
        r"content[^.]{0,20}(?:reject|block|filter|refus|not accept|judged)|message filtered",
        r"mail rejet[eé]",
        r"(?:looks?|appears?|classified|considered|identified|scored|detected|rejected"
        r"|judged)[^.]{0,20}(?:like|as|to be|for) (?:\w+ )?spam",
        r"attachment|executable",
        r"(?:url|link|domain)s? in (?:the |this |your )?(?:message|body|mail)",
        r"high spam|spam score|\bspam\b",
        source=WIDE,
    ),
    # ---- about the way to it
    rule(
        C.ROUTING,
        r"relay(?:ing)?\b[^.]{0,30}(?:denied|not (?:permitted|allowed|authori[sz]ed)"
        r"|prohibited|refused)",
        r"(?:not (?:permitted|allowed|authori[sz]ed|configured|able)|unable|refus\w+|won't"
        r"|cannot) (?:to |for )?relay",
        r"\bno relay",
        r"not in (?:my )?(?:list of allowed )?rcpthosts|isn't in my (?:list|control)",
        r"not (?:a )?gateway|not local|non-?local",
        r"mail(?:ing)? loop|loop(?:s|ing)? (?:back|detected)|too many hops|exceeded \d+ hops",
        r"hop count",
        r"authentication (?:is )?(?:required|requise)|unauthenticated senders",
        r"authenticate first|auth(?:entication)? needed",
        source=QMAIL + "; " + POSTFIX,
    ),
    rule(
        C.BAD_DOMAIN,
        r"host (?:or domain name )?(?:unknown|not found)|unknown host|no such (?:host|domain)",
        r"NXDOMAIN|null ?mx",
        r"(?:recipient )?domain[^.]{0,30}(?:not (?:exist|found|reachable|accept mail"
        r"(?! from))|does ?n[o']t (?:exist|accept(?! (?:e-?)?mail from))|invalid|unknown)",
        r"(?:invalid|unknown|bad|unrouteable|nonexistent) (?:mail |destination |recipient )?"
        r"(?:domain|system)",
        r"bad destination system",
        r"invalid dns (?:mx|a)\b|does not accept (?:any )?(?:mail|email)(?! from)",
        r"(?:is )?not (?:a )?mail (?:server|exchanger)|no mail (?:is )?accepted",
        source="RFC 7504, RFC 7505, RFC 3463 x.1.2, x.1.10; " + SENDMAIL,
    ),
    # ---- about a mailbox that is not there
    rule(
        C.INVALID_RECIPIENT,
        r"(?<!ip )(?<!sender )(?<!from )(?<!your )(?:user|recipient|mail ?box|address|account"
        r"|addressee|local ?part|alias)\b"
        r"(?![^.]{0,60}\b(?:ip|sender|client|dns)\b| ?\W?#)[^.]{0,60}"
        r"\b(?:unknown|not (?:found|exist|valid|known|listed|recogni[sz]ed|here)|does ?n"
        r"[o']t exist|doesn't|has moved|invalid)",
        r"(?<!from )(?:unknown|no such|invalid|illegal|bad|incorrect|nonexist[ae]nt|unrecogni"
        r"[sz]ed|unroute?able|undeliverable|not a valid|no valid)"
        r" (?:or \w+ )?(?:\w+ )?(?:user|recipient|mailbox|address|account|person|local|alias"
        r"|destinat|rcpt|mail ?box)",
        r"no (?:\w+ )?(?:mailbox|account|user|recipient|such)\b[^.]{0,40}(?:here|by that name"
        r"|found|exist|named|with)",
        r"does(?: not|n't) have an?\b[^.]{0,40}\baccount|not (?:our|a) (?:customer|user)",
        r"unknown local|no longer (?:here|works|employed|valid|available)",
        r"double-checking the recipient",
        r"inconnu|destinataire invalide|destinatario|desconocid|sconosciut|unbekannt",
        r"existe? pas|n[aã]o existe|no existe|existiert nicht",
        source=f"RFC 3463 x.1.1; {POSTFIX}; {SENDMAIL}; {EXIM}; {QMAIL}; {EXCHANGE}",
    ),
    rule(
        C.INVALID_RECIPIENT,
        r"mail ?box[^.]{0,20}(?:unavailable|not available)|recipient[^.]{0,20}not available",
        source="RFC 5321 §4.2.3 (550)",
        codes="5",
    ),
    # ---- about policy, last of what is said on purpose
    rule(
        C.REPUTATION_BLOCK,
        r"not accept(?:ing)? (?:e-?)?mail from",
        r"(?:denied|rejected|refused|violation)[^.]{0,20}(?:by|due to|for)?[^.]{0,20}policy",
        r"policy (?:violation|reject|reason|restriction)",
        r"not authori[sz]ed to (?:send|connect)|access denied|sender rejected|not accepted for",
        r"administrative(?:ly)? (?:prohibit|den)|go away|connection (?:refused|rejected)",
        source=POSTFIX + "; " + WIDE,
    ),
    # ---- about their machines
    rule(
        C.EXPIRED,
        r"message expired|delivery (?:time )?expired|retry time(?:out)? exceeded",
        r"queue (?:too long|lifetime)|retry timeout",
        source=EXIM,
    ),
    rule(
        C.INFRA,
        r"disk space|insufficient (?:system )?(?:storage|disk|resource)|system storage",
        r"out of (?:memory|disk)",
        r"(?:internal|system|server|mailer|local|configuration|queue file write|lookup|dns) "
        r"(?:\w+ )?(?:error|failure|problem)",
        r"tim(?:ed|e)[- ]?out|connection (?:reset|lost|dropped)|try again later",
        r"temporar(?:y|ily)|service (?:not available|unavailable)|too many errors",
        r"resources|could not (?:load|connect|open)|unable to (?:connect|process)|try later",
        r"overload|too busy|shutting down|network (?:error|unreachable)",
        source=RFC,
    ),
    # Postfix says this before every reason; alone it means the address, unless 5.7 says policy.
    rule(
        C.INVALID_RECIPIENT,
        r"^(?!.*\b5\.7\.).*(?:address(?:es)?|recipients?) reject",
        source=POSTFIX,
    ),
)
