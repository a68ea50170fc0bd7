"""Wordings about a mailbox that is not there."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

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
    @ ?is ?an unknown|invalid|nonexistent|non_existent|undeliverable
    @ is ?a not a_valid|valid|known|found|recogni*
    @ does|do not|n't exist
    @ not_found|not_known|does_not_exist|doesn't_exist
    not known at|here|on|in
    person|name unknown
    bad mail_box|destination_mailbox|mbox|mailname
    cannot route mail to user
    recipient name|address not recogni*|found
    account does not exist
    address ?you entered couldn't|could|cannot|can't ?not be found
    recipient's ?email|e-mail address was not found
    address|user|recipient|mailbox was|could|couldn't|cannot ?not found|be_found|find|located
    no mailbox
    final delivery user
    unknown in|at|on
    not|n't know|have|has anyone|anybody|a_user
    nobody|no_one|none by|with|here|of_that
    illegal alias|user|name
    restricted characters in address
    destination ?email address .. misspell*
    no longer in_use|used|active|accepting
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
        relaying|relayed
        relay ?access|is denied|not|prohibited|refused|disallowed|permitted|through|for
        as|to|no|open relay
        return|reply|reverse|bounce|from address|path
        quota does not
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
        server|service|system|host .. unavailable
        temporar*|currently|try|later
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
        5.2.#
        5.3.#
        5.4.#
        5.5.#
        5.6.#
        5.7.#
        4.7.#
        from|sender|client|ip address
        policy|access|spam
    """,
)
