"""Wordings about one mailbox: not there, closed, full, or getting too much."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

_WHO = "account|accounts|mail_box|mbox|user|users|recipient|recipients|recipient's|addressee|inbox"
_STATE = (
    "disabled|inactive|deactivated|de_activated|inactivated|suspended|discontinued|locked|frozen"
    "|closed|expired|terminated|archived|dormant|cancelled|canceled|retired"
    "|hangup|deprovisioned|decommissioned|defunct|abandoned"
)

CLOSED = rule(
    "mailbox.closed",
    C.INACTIVE,
    f"""
    out of storage .. and inactive
    !your|sender|sending|sender's|from {_WHO} .. !not|be|been_not {_STATE}
    !your|sender {_WHO} .. not|no|longer|isn't active|enabled|activated|in_use|in_service
    address|email|e-mail|mail .. disabled|inactive|deactivated|discontinued|suspended|closed
    address|email|e-mail|mail .. no longer active|in_use|in_service|used|enabled
    recipient|recipient's|addressee|destination account|mail_box|user is|was|has_been|
        temporarily|currently ?temporarily blocked
    account|mail_box|user is|was|has_been|temporarily|currently ?temporarily blocked
    due to inactivity
    disabled|inactive|deactivated|suspended|locked|dormant|expired|closed|frozen ?e-mail|email|
        mail|recipient account|mail_box|user|recipient|address|mbox
    mailbox|account .. not accepting mail|messages|email
    not accepting messages
    not accepting mail|messages for|to|at this|the|recipient|address|user|mailbox
    account .. not available for mail
    access to this|the account is|has disabled|been
    has been|was|is disabled or|due|by|for
    under administrative|temporary suspension
    account|user|mailbox .. on hold
    user|account|mailbox .. temporary|temporarily locked|suspended|disabled|blocked|
        unavailable_due
    mail receiving disabled
    receiving|reception .. disabled|suspended
    """,
    source=f"RFC 3463 x.2.1; {src.RUSSIA}; {src.CHINA}; {src.KOREA}; {src.PAGES}",
    unless="""
        your|sender|sender's|sending|from account|user|mailbox|address
        ip|host|server|network|client is|was|has|been|are .. blocked|suspended
        mail|email|message|messages|connection|content|sender|spam|virus is|was|has_been|
            been blocked|removed|deleted
        blocked using|by .. rbl|list
        too many
        sending .. account|domain|suspended
        outgoing
        session|time expired
        message expired
        user .. not|n't found|exist
        spf|dkim|dmarc
        account|user .. blocked .. sender|you|messages
    """,
)

RATE = rule(
    "mailbox.rate",
    C.RECIPIENT_RATE,
    """
    user|recipient|mailbox|account .. receiving mail|email|messages|e-mail ?too quickly|at|fast|
        too
    receiving mail at a rate
    recipient|user|mailbox has|have exceeded .. per|message_rate|messages|rate
    recipient|mailbox .. rate|hourly|per_hour|daily|receiving .. limit|exceed*|quota_exceeded
    rate limit*|ratelimit* exceeded .. for|to mailbox|recipient|user
    too many messages|mails|emails|mail to|for ?this|the recipient|user|mailbox|address
    too many messages|mails|emails received|sent by|to|for .. recipient|user|mailbox
    recipient .. getting|received|receives too many|much
    recipient thread limit
    mailbox delivery rate
    """,
    source=f"{src.GOOGLE}; {src.RUSSIA}; RFC 5248 x.2.121, x.2.122",
    unless="""
        invalid|unknown|nonexist* recipients
        has sent to too many
        recipients this hour
    """,
)

FULL = rule(
    "mailbox.full",
    C.MAILBOX_FULL,
    """
    mail_box|inbox|mail_folder|mail_drop|mail_file|mail_dir|user|account|folder|mbox|storage|
        disk|spool .. full
    full mail_box|inbox|mbox
    overquota|over_quota|overlimit|over-quota|overdrawn
    over ?the|its|his|their|allowed|allotted|maximum|storage|disk|mailbox quota|storage|limit
    quota .. exceed*|full|reached|violat*|over|surpass*|limit
    exceed* .. quota
    disk|mailbox|storage|mail|user|account|space quota
    not enough quota
    out of quota|storage|space
    mail_box|inbox|storage|allocated|account|mailfolder|mail_drop|mbox|
        user's_mailbox .. exceed*|limit|allocation|over
    mail_box|inbox|storage|mail_drop .. space|capacity|insufficient
    exceed* .. mail_box|storage|space|capacity|inbox|allocation
    exceeded ?its|the|his storage|allocation|mailbox
    exhausted .. storage|space|quota
    no|not|insufficient|enough|lack|without ?enough|more storage|space|disk|room|
        capacity .. mail|user|account|recipient|mailbox|inbox
    not|n't have enough|sufficient space|storage|room
    not enough space|storage|room
    no space|room left ?on|in|for ?the|user's mail*|inbox|account|user|folder
    too many mail|mails|messages|emails on|in|stored .. server|mailbox|inbox|folder
    too much mail|data
    mail|message|messages count|number limit|quota
    user is over flow
    user_overflow|mailbox_overflow|overflow*
    exceeded storage allocation
    mailbox .. would_exceed|is_too_large|size .. exceed*|limit
    mailbox size
    database .. would exceed
    reached .. quota|storage_limit|mailbox_limit|maximum_storage
    maximum|max .. mailbox|storage|folder size
    trouble in home directory
    """,
    source=f"RFC 3463 x.2.2; {src.POSTFIX}; {src.QMAIL}; {src.EXIM}; {src.DOMINO}; {src.GMX}",
    unless="""
        sending|relay|daily|hourly|message|connection|rate|sender .. quota
        quota .. for|of sending
        full|fully qualified
        system storage|resource|resources|disk|partition
        system resources
        local disk
        space shortage
        disk space try again
        spam|virus
        your|sender account|mailbox
        hourly|daily|per
    """,
)

_GONE = (
    "unknown|invalid|nonexistent|non_existent|nonexistant|inexistent|undeliverable|unrecogni*"
    "|unrouteable|unroutable|undefined|illegal|moved|unavailable_here"
)
_NOT = (
    "found|exist|exists|valid|known|listed|recogni*|here|existing|local|registered|defined|hosted"
    "|on_server|in_our|present|accepted_here|right"
)

GONE = rule(
    "mailbox.unknown",
    C.INVALID_RECIPIENT,
    f"""
    !ip|sender|from|your|sending user|users|recipient|recipients|mail_box|mailboxes|mbox|
        address|addresses|account|addressee|adressee|local_part|localpart|alias|username|login|
        rcpt|userid .. {_GONE}
    !ip|sender|from|your|sending user|users|recipient|recipients|mail_box|mbox|address|account|
        addressee|local_part|localpart|alias|username|rcpt|person .. not|n't|cannot_be|never|
        isn't|cannot {_NOT}
    user|users|recipient|mail_box|address|account|alias .. does|do|did|doesn't|don't|dont|
        doesnt ?not|n't exist*|match
    user|recipient|mail_box|address|account|username don't|doesn't|dont|doesnt exist*
    don't|doesn't|dont|doesnt|not exist|exists that|this|such user|account|mailbox
    !from|sender|client|host|helo unknown|invalid|illegal|bad|incorrect|wrong|nonexistent|
        non_existent|nonexistant|unrecogni*|unrouteable|unroutable|undeliverable|unavailable|
        unresolvable|unmatched|ambiguous ?destination|email|e-mail|mail|smtp|or|local|rcpt|
        mailbox|or_illegal|or_invalid|to|user user|users|recipient|recipients|mail_box|
        mailboxes|address|addresses|account|person|local|alias|destination|rcpt|username|
        local_part|localpart|mail_name|addressee
    unknown or illegal|invalid user|alias|address|recipient|mailbox
    not|n't a|an valid|known|local|real|existing|correct user|recipient|mail_box|address|
        account|alias|mail_user|email
    no valid|such|known|matching|correct|active|local|such_local ?local|e-mail|email|mail|
        virtual user|users|recipient|recipients|mail_box|address|account|person|alias|addressee|
        rcpt|mbox|name
    no such ?a user|recipient|mail_box|address|account|person|alias|local|addressee|mbox|name|
        email|e-mail|id|destination
    no ?such|active|registered mail_box|account|user|recipient|person|alias .. here|
        by_that_name|found|exist*|named|with|available|at_this|on_this
    nosuchuser|no_such_user|no_mailbox|nouser|no_user|baduser|userunknown|user_unknown|
        unknownuser|unknown_user
    does|do ?not|n't have ?a|an .. account|mailbox
    not|n't have ?a|an .. account|mailbox
    doesn't have ?a|an .. account|mailbox
    no .. account|mailbox .. for|with|by .. name|address
    not|isn't ?a|an|our|my|longer customer|subscriber|member|client
    not|isn't our|a customer|subscriber|user
    unknown local|recipient|to|for|in|address|at
    no longer .. here|works|employed|valid|available|exists|with|on_server|on_this|at_this|
        monitored|employee|a_valid|receives|accepting|accepts|supported
    recipient|user|address|mailbox .. no longer
    has|have|had left .. company|organization|organisation|us|firm
    has moved
    moved|relocated .. forwarding|new_address|address
    double_checking the recipient
    check the|your ?recipient|recipient's|destination ?email|e-mail|mail address .. typo*|
        spelling|misspell*
    not listed in .. directory|address|book|public|domino
    unable to find .. user|recipient|mailbox|account
    could|can|cannot|couldn't|can't ?not find|locate|resolve|deliver_to|verify ?a|the|any|
        such ?local user|recipient|mailbox|account|person|alias
    user|recipient|mailbox|account|address lookup fail*|returned
    recipient|rcpt|address verif* .. fail*|unsuccessful|problem
    verification failed for
    recipient verif* fail*|problem
    unverified|undeliverable address
    address|recipient .. undeliverable|unreachable|not_deliverable
    unable to|cannot|can't|couldn't verify|validate .. recipient|address|user|mailbox
    all recipients .. invalid|reject*|refused|unknown
    no correct|valid|acceptable|deliverable recipient|recipients
    rcpt|recipient .. not_accepted_here|not_handled|never_logged
    delivery is not allowed to this address
    bad|invalid destination|recipient|mailbox ?mailbox address|syntax|name
    mailbox name|address not_allowed|invalid|not|illegal
    mailbox name not allowed
    destination mailbox
    dead|bogus address|user|mailbox|account
    email|e-mail address .. misspell*|incorrect|wrong
    wrong|mistyped|misspelled address|user|recipient|email|mailbox
    not our user|customer
    user not local
    user .. never|not_yet .. logged
    no mapping|match for|found .. address|user|recipient
    address|user does not|n't resolve
    the account or domain may not exist
    unroutable|unrouteable mail|email|address
    mail_box .. not_be_found|couldn't_be_found
    user|mailbox|account .. deleted|removed|purged
    address .. retired|obsolete|discontinued
    name .. not .. directory
    not a deliverable
    recipient .. not .. on|in .. server|system|domain|list|database
    local server don't exists
    not user of this server
    """,
    source=f"RFC 3463 x.1.1, x.1.3, x.1.6; {src.POSTFIX}; {src.SENDMAIL}; {src.EXIM}; {src.QMAIL};"
    f" {src.EXCHANGE}; {src.DOMINO}; {src.COURIER}; {src.COMMUNIGATE}; {src.SMALL}",
    unless="""
        5.7.# .. your|sender|from|ip|client|mail_server
        5.7.1 .. rejected your|sender
        ip|client|dns|server's|hostname|host .. not|n't found|exist|valid|known|recogni*|allowed
        your ip|address|server|mail_server|host|account|mailbox|domain
        unknown sender
        from unknown|invalid
        sender address|domain|user|account
        unknown|unrecognized command
        permission to
        relay*
        address # not|n't|unknown
    """,
)

UNAVAILABLE = rule(
    "mailbox.unavailable",
    C.INVALID_RECIPIENT,
    """
    mail_box|recipient|user|mail_user|account .. unavailable|not_available
    unavailable mail_box|user|recipient|mail_user
    recipient .. not available
    """,
    source=f"{src.RFC} (550); {src.GMX}; {src.MICROSOFT}",
    codes="5",
    unless="""
        5.7.#
        service .. unavailable
        blacklist*|blocked|spam
    """,
)
ADDRESS_REJECTED = rule(
    "mailbox.address_rejected",
    C.INVALID_RECIPIENT,
    """
    !sender|from|your address|addresses|recipient|recipients|rcpt ?address reject*|refused|
        not_accepted|denied
    bad|unacceptable address
    """,
    source=f"{src.POSTFIX}; {src.IRONPORT}",
    links=True,
    unless="""
        5.7.#
        4.7.#
        from|sender|client|ip address
        policy|access|spam
    """,
)
