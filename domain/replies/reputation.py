"""Wordings about the sender's reputation, and its rate."""

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
    listed in|on|at|by
    due to ?a|its|the listing
    reputation|poor_reputation
    blocked using
    """,
    source=f"{src.DNSBL}; {src.IRONPORT}; {src.BARRACUDA}; {src.GATEWAYS}",
    unless="""
        url|link|links|uri
        not listed in|on|at|by|as
        content|attachment|virus
        file extension|extensions|type|types
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
    outgoing|outbound mail|mails|messages .. suspended|disabled|blocked
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
    directory harvest*
    dictionary attack*
    service denied
    block temporarily|permanently
    denial of connection
    null sender rate
    harvesting|harvest_attack
    suspicious|suspected .. activity|ip|sender|source|due|spammer|host|behavior|behaviour|bounce
    suspicious|untrusted|distrusted
    has been|have sending|sent|originating spam|abusive
    spam .. originat*|source|from_your|sent_from|sending
    known spam|bad source|sender|host|server
    open_relay|open_proxy
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
    karma
    """,
    source=f"{src.DNSBL}; {src.IRONPORT}; {src.BARRACUDA}; {src.GATEWAYS}; {src.PAGES}",
    unless="""
        permitted|allowed|authori* to relay
        content|attachment|attachments|virus|malware
        message ?has|was|is ?been blocked|rejected ?as|because|due
        blocked .. content|attachment|virus
        unauthenticated
        connection timed|reset
        4.4.# .. connection refused
        socket|errno|tcp|10061
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
        sending|message|connection|submission|mail|hourly|daily|session|concurren* rate|
            limit .. exceed*|reach*|too
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
        recipients|messages|mails|emails per # second|seconds|minute|minutes|hour|hours
        messages|mails|emails|connections per second|minute|hour|day exceed*
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
