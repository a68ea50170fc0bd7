"""Wordings about the content, and about policy that names no cause."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

CONTENT_RULES = (
    rule(
        "content.refused",
        C.CONTENT,
        """
        message|mail|content|email|e-mail|messages|attachment .. spam|junk|ube|uce|virus|
            malware|phish*|malicious|harmful|scam|bulk|infected|unsolicited|trojan|worm
        spam|virus|malware|phishing|viruses|worm|phish|junk|trojan .. detect*|found|content|
            message|mail|reject*|suspect*|score*|infected|refused|denied|probab*|filter*|hit|
            threshold|level
        because|due .. content
        file extension|extensions|type|types .. detect*|found|not|block*|reject*|banned|forbid*
        containing ?vba|office macro|macros
        attachment|attachments is|are not allowed|permitted|accepted
        content .. reject*|block*|filter*|refus*|not_accept*|judged|denied|unacceptable|
            restrict*|prohibit*|violat*
        content|body|text|subject filter*|check*|scan*|policy|restriction*|reject*|denied|control
        forbidden|prohibited|unacceptable|banned|illegal|disallowed|inappropriate|
            objectionable content|attachment|file|word|words|text|extension|subject
        message filtered|quarantined
        mail filtered
        message|mail|email .. filtered|quarantin*
        look|looks|appear|appears|classified|considered|identified|scored|detected|rejected|
            judged|flagged|marked|treated|categori*|suspected|believed|recognized .. like|as|
            to_be|for|of|spammy ?possible|possibly|probable|likely|being ?a spam|junk|phish*|
            spammy|bulk|unsolicited|virus|uce|ube
        attachment|attachments|executable|exe
        file type|name|extension|types .. not|block*|reject*|prohibit*|forbidden
        url|urls|link|links|uri|domain|domains in|within|of ?the|this|your|message's message|
            body|mail|content|text|email
        contain|contains|containing|contained .. url|urls|link|links|uri|virus|spam|banned|
            block*|attachment*|word|words|script|macro
        url|uri|link .. black*|block*|list*|spam|reject*|bad|malicious
        anti_spam|antispam|anti_virus|antivirus|spamassassin|clamav|rspamd|spam_filter|spamfilter
        high|possible|probable|suspected|likely|obvious|blatant|definite|probably spam|junk|virus
        spam|virus|content related
        spam score|level|filter|content|message|mail|rule|policy|detected|suspected|check
        high probability of spam
        spam|junkmail|junk_mail|spamminess|spammy|viagra
        fingerprint|signature|heuristic*|bayes* .. match*|reject*|spam
        clamd|eicar|virus|viruses|malware
        potential|presents .. security issue|risk
        unsolicited bulk|commercial
        language .. not|unsupported|reject*
        macro|script|scripts|html .. not|reject*|forbid*|block*
        message|mail|email .. against|violates|violat* .. policy|policies|rules
        """,
        source=f"{src.RSPAMD}; {src.GATEWAYS}; {src.SYMANTEC}; {src.RUSSIA}; {src.PAGES}",
    ),
)

POLICY_RULES = (
    rule(
        "policy.refused",
        C.REPUTATION_BLOCK,
        """
        not accept|accepting|accepted|receive|receiving ?e-mail|email|mail|messages|message|
            any from
        denied|rejected|refused|reject|violation|violations|blocked|prohibited|filtered|
            declined .. policy|policies
        policy .. denied|rejected|refused|violat*|reject*|reason|reasons|restriction*|block*|
            prohibit*|not_allow*|refus*
        local|site|security|administrative|organization|company|administrator|corporate|
            server policy|policies
        policy
        not|n't authori* to ?send|connect|deliver|use|submit|access
        not|n't allowed|permitted|welcome to ?send|connect|deliver|use|submit|talk|post
        access .. denied|rejected|refused|forbidden|revoked|blocked
        denied access
        no access
        sender|senders reject*|denied|refused|blocked|restricted|not_allowed|not_accepted
        reject* .. sender|senders|your
        not accepted for|by
        administrative|administratively|admin|administrator prohibit*|den*|reject*|block*
        go away|away
        connection|session|transaction|delivery|command|message|messages|mail refused|rejected|
            denied|prohibited|declined|not_permitted|forbidden|disallowed
        refused|rejected|denied by ?the|recipient|recipient's|administrator|admin|user|server|
            system|destination|host|remote|filter|firewall
        message|mail|email|e-mail .. refused|rejected|denied|declined|disallowed|unwelcome|
            unwanted
        mail|message is|was|has|not ?been rejected|refused|accepted|welcome
        user|recipient|customer|subscriber .. rejected|refused|denied|blocked|refuses|rejects|
            blocks your|this|you|sender|mail|messages|message|email
        challenge|whitelist|pre_approved|approved|allowed_senders|safe_sender*
        only accept*|accepts|receive* .. from
        private list|group|mailing
        policy|relaying related|issues
        delivery|address .. restricted|refused
        delivery to this|the ?recipient|address is restricted
        members|subscribers only
        permission .. post|send|denied
        not have permission
        insufficient privilege*|rights
        closed|restricted group|list|mailing
        restricted|unauthori*|forbidden|disallowed|prohibited
        mail denied|rejected|refused|disabled
        you .. not allowed|permitted|authori*|welcome
        that|this recipient is not allowed|permitted
        bounces are|is never|not|only
        denied mode
        user|rcpt ?is rejected
        """,
        source=f"{src.POSTFIX}; {src.EXIM}; {src.EXCHANGE}; {src.MIMECAST}; {src.PROOFPOINT};"
        f" {src.PAGES}",
        unless="""
            recipient address rejected
            4.4.# .. connection refused
            relay*
            user|mailbox|recipient unknown
            unknown|invalid user|recipient
        """,
    ),
)
