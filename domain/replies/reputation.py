"""Wordings about the sender's reputation, its rate, policy, and about the content."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

QUOTA_OF_SENDER = rule(
    "rate.quota",
    C.REPUTATION_BLOCK,
    """
    relay|sending|daily|hourly|connection|rate|outbound|outgoing|sender .. quota
    quota for sending|relay
    peak smtp relay
    message quota
    exceeded .. max|maximum emails|messages|mails|defers per hour|day
    sending quota|limit*
    """,
    source=f"{src.GOOGLE}; {src.SENDERS}; {src.EXIM}",
    unless="recipient|mailbox|user has exceeded",
)

LISTED = rule(
    "reputation.listed",
    C.REPUTATION_BLOCK,
    """
    spamhaus|spamcop|barracuda|barracudacentral|barracudanetworks|sorbs|uceprotect|abuseat|
        invaluement|spamrats|senderscore|mailspike|psbl|njabl|ordb|surbl|uribl|manitu|lashback|
        truncate|hostkarma|senderbase|talosintelligence
    proofpoint|cloudmark|trend_micro|trendmicro|maps_rbl|mail_abuse|brightmail
    black_list*|block_list*|deny_list*|white_list*|allow_list*|dnsbl|dnsbls|rbl|rbls|rblsmtpd|
        dnswl|black_listed|blackhole*|black_hole*|blacked|black_mail
    exploits block
    xbl|sbl|pbl|cbl|dbl|zrd
    listed in|on|at|by|as
    due to ?a|its|the listing
    reputation|poor_reputation
    blocked using
    """,
    source=f"{src.DNSBL}; {src.IRONPORT}; {src.BARRACUDA}; {src.GATEWAYS}",
    unless="""
        url|link|links|uri
        not listed in|on|at|by|as
        content|attachment|virus
        user|mailbox|recipient|account|address is|was not listed
    """,
)

GREYLISTED = rule(
    "greylisting",
    C.GREYLIST,
    """
    greylist*|graylist*|grey_list*|gray_list*
    you|you're|server|sender ?are ?being|is new|unknown .. try|retry|come
    not yet authori* to deliver
    first time|attempt|contact|seen
    try|retry|come ?back ?again in|after # ?s|sec|secs|second|seconds|m|min|mins|minute|minutes
    please|pls come|try back|again in # sec*|min*
    come back later|soon|in
    deferred|delayed .. for|until .. first|retry|minutes
    temporarily deferred .. try ?again in
    message|mail|delivery|recipient .. deferred|delayed .. retry|try
    unfamiliar|unseen|new .. sender|triplet|source|tuple
    temporary|temporarily .. anti_spam|antispam|spam .. measure|protection|check|delay
    early retry|retries
    retry too soon|early
    wait .. before retry*
    """,
    source=src.GREYLISTING,
    codes="4",
    unless="""
        rate*|limit*|volume|too_many|reputation|frequency
        overload*|load|resource*|busy|disk|storage|database
        quota
        dns|hostname|ptr
        blocked|black*
        insufficient
        unexpected|complaint*
    """,
)

BLOCKED = rule(
    "reputation.blocked",
    C.REPUTATION_BLOCK,
    """
    banned sending|ip|host|sender|address|domain
    ip|host|sender|address|domain|server is|has|was ?been banned
    blocked ip|by_rbl|for_the_day|for_spam|for_abuse|for_sending|due_to_spam
    blocked .. ip|host|network|server|spam|abuse
    ip|ips|host|server|network|client|connection|connections|ip_address|netblock|subnet|range|
        domain .. blocked|blocking|banned|denied|refused|rejected|filtered|prohibited|barred|
        restricted|suspended
    ip|host|server|network|client|connection|connections .. not|n't allowed|accepted|permitted|
        authori*|welcome|trusted
    ip|client|host|address .. black|bad
    client host rejected
    dynamic|dial_up|dialup|residential|generic ip|ips|address|addresses|range|space|rdns|host|
        hosts|pool
    unsolicited|ube_source|spam_source|spammer|spammers|spamming
    user|users|subscriber complaints
    complaint|complaints
    suspicious|suspected .. activity|ip|sender|source|due|spammer|host|behavior|behaviour|bounce
    suspicious|untrusted|distrusted
    has been|have sending|sent|originating spam|abusive
    spam .. originat*|source|from_your|sent_from|sending
    known spam|bad source|sender|host|server
    open relay|proxy
    abuse|abusive .. ip|host|sender|detected|from|your|server|network
    spam_trap*|spamtrap*|honeypot|trap
    smtp service not available .. black
    refused by black*
    mail from .. refused .. site
    sender|domain|ip|server|host|address .. bad|poor|low reputation|score|history
    bad history|score|neighbou*
    not accepted from .. ip|server|host|network|country
    country|geo*|asn .. block*|not|reject*|denied
    mail|email|messages from your|this ip|host|server|network|domain|address .. block*|reject*|
        refus*|not|denied
    connection ?was|is|has refused|rejected|denied|blocked|dropped_due|not
    refused|rejecting|dropping .. connection|connections
    rejecting open connection
    your|this ip|host|server|network|mail_server .. access|listed|spam|abus*
    local rbl|blacklist|block
    e_mail|email|mail blocked
    blocked
    threat|malicious .. ip|source|sender|host|intelligence
    """,
    source=f"{src.DNSBL}; {src.IRONPORT}; {src.BARRACUDA}; {src.GATEWAYS}; {src.PAGES}",
    unless="""
        content|attachment|attachments|virus|malware
        message ?has|was|is ?been blocked|rejected ?as|because|due
        blocked .. content|attachment|virus
        unauthenticated
        connection timed|reset
        url|link|links|uri
        recipient|recipients|mailbox|user .. not|n't|un*known found|exist
        5.1.1 user|recipient|address|mailbox
        refused .. too many
        unknown user|recipient
        spam .. content|message|score*|detected
    """,
)


RATE_RULES = (
    rule(
        "rate.limited",
        C.REPUTATION_BLOCK,
        """
        rate_limit*|ratelimit*|rate_control*|rate_exceed*|throttl*|ratecontrol
        frequency limit*
        limit exceeded|reached .. per|hour|day|minute
        sending|message|connection|mail|hourly|daily|session|concurren* rate|limit .. exceed*|
            reach*|too
        too many ?concurrent|simultaneous|open|smtp|new|bad|invalid|failed|parallel|spam|your|
            of ?smtp messages|mails|mail|emails|connections|connection|sessions|requests|
            connects|attempts|deliveries|transactions
        too many .. this|per|in_an|within|last|past hour|day|minute|time|session|ip|connection|
            host|client
        too many .. recipients|users|addresses .. invalid|unknown|nonexist*|bad
        too many .. invalid|unknown|nonexist*|bad|non_existent recipients|users|addresses|rcpt
        too many .. from your|this|same ip|host|server|network|address|domain
        too many same
        too much mail|traffic|email|messages from
        too frequent|frequently|fast|quickly
        sending too fast|quickly|many|much
        sent|send|sending|sends too many|much
        unusual|excessive|unexpected|abnormal|high|suspicious rate|volume|number|amount|traffic|
            sending|activity
        exceed* .. rate|connections|concurren*|messages|mails|emails|per_hour|per_day|
            sending_limit|threshold|outbound
        number|amount of messages|connections|mails|sessions .. exceed*|limit*|max*
        max|maximum ?number ?of ?concurrent|simultaneous|parallel|smtp|allowed messages|
            connections|sessions|mails|emails|connection
        connection|connections limit|rate
        connections|sessions .. exceed*|limit|maximum
        temporarily deferred|blocked|rate
        permanently deferred
        deferred due|because|for .. policy|volume|complaint*|reputation|rate
        slow down|your|sending
        reduce .. rate|connections|volume|number|sending
        service refused
        local part|policy .. rate
        recipients this hour
        received this hour|day
        """,
        source=f"{src.PAGES}; {src.IRONPORT}; {src.GMX}; {src.YAHOO}; {src.COMCAST}",
        unless="""
            errors
            hops|received headers
            storage|mailbox
            too many recipients .. message|transaction
        """,
    ),
)

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
        members|subscribers only
        permission .. post|send|denied
        not have permission
        insufficient privilege*|rights
        closed|restricted group|list|mailing
        restricted|unauthori*|forbidden|disallowed|prohibited
        mail denied|rejected|refused|disabled
        you .. not allowed|permitted|authori*|welcome
        """,
        source=f"{src.POSTFIX}; {src.EXIM}; {src.EXCHANGE}; {src.MIMECAST}; {src.PROOFPOINT};"
        f" {src.PAGES}",
        unless="""
            recipient address rejected
            relay*
            user|mailbox|recipient unknown
            unknown|invalid user|recipient
        """,
    ),
)
