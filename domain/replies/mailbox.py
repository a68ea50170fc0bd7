"""Wordings about one mailbox: closed, full, or getting too much."""

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
    inactive mail_box|user|account
    mailbox ?is temporarily|currently disabled|closed
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
        locked|blocked by
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
    rate_limit*|rate exceeded .. for|to ?this|the mailbox|recipient|user
    too many messages|mails|emails|mail to|for ?this|the recipient|user|mailbox|address
    too many messages|mails|emails received|sent by|to|for .. recipient|user|mailbox
    recipient|user|mailbox .. getting|receiving|received|receives too many|much
    recipient|user|mailbox has too many messages|mails|emails per|an|in
    recipient|user|mailbox .. over ?its|the message|mail|receiving rate
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
    quota issues|problem|problems|error
    mailbox is|was|seems ?currently|temporarily|already|now ?too full
    as their mailbox is full
    """,
    source=f"RFC 3463 x.2.2; {src.POSTFIX}; {src.QMAIL}; {src.EXIM}; {src.DOMINO}; {src.GMX}",
    unless="""
        sending|relay|daily|hourly|connection|rate|sender .. quota
        quota .. for|of sending
        full|fully qualified
        too much mail|traffic|email from|by your|this|same
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
