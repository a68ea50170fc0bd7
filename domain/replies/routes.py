"""Wordings about the way to the mailbox: relaying, domains, queues, and the machines there."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

ROUTE_RULES = (
    rule(
        "route.loop",
        C.ROUTING,
        """
        mail|mailing|message|forwarding|routing|delivery loop|loops|looping
        loop|loops|looping|looped .. back|detected|message|mail|to_myself
        loops back
        looping message
        message is looping
        possible|suspected|potential mail ?loop
        too many hops|received|loops
        hop count|limit
        received header|headers|lines .. exceed*|limit|many|suspected
        exceed* ?maximum ?of # hops
        exceeded .. hops|hop_count
        best_preference mx
        lowest numbered mx
        mx .. points to .. local_host|localhost|myself|itself
        mx list .. point* .. back|me|itself
        """,
        source=f"RFC 3463 x.4.6; {src.POSTFIX}; {src.EXIM}; {src.QMAIL}; {src.SENDMAIL}",
    ),
    rule(
        "route.relaying",
        C.ROUTING,
        """
        relay|relaying|relayed|relays .. denied|not|permitted|allowed|authori*|prohibited|
            refused|rejected|reject|disallowed|disabled|restricted|forbidden|required
        relay|relaying access|operation|attempt|through
        not|n't permitted|allowed|authori*|configured|able|willing ?to ?for ?mail relay|relaying
        unable|refuse*|won't|cannot|can't|denied|denies|not|no|prohibited|illegal|
            reject* ?to ?for ?mail relay|relaying|relayed
        no relay|relaying
        relay check
        as a relay
        rcpthosts|morercpthosts
        not in .. my|control|locals|list of allowed
        i cannot|can't deliver mail for
        route is not valid
        isn't in my list|control
        not|n't gateway|local|a_gateway|our_domain|one_of_our
        domain .. not|isn't|n't .. hosted|local|served|handled|in_my|our|configured|allowed_here
        not hosted here
        non_local|nonlocal
        local|domestic user|users|domain|mail|recipient only
        authentication ?is required|requise|needed|mandatory|necessary
        authenticate first|before|yourself
        require|requires|required|must|need|needs|please .. authenticate|authentication|
            authenticated|auth|smtp_auth
        smtp_auth|smtp_authentication|auth .. required|needed|first
        client was not authenticated
        unauthenticated senders|clients|users|connections
        not authenticated
        pop before|first|check
        pop3 first|before
        log_in|login .. first|before
        auth needed|required|failure|failed|error|credentials
        authentication fail*|failure|error|unsuccessful|rejected|invalid|credentials
        wrong server|gateway
        not a|the valid|correct gateway|mx|relay
        only registered users
        """,
        source=f"{src.QMAIL}; {src.POSTFIX}; {src.EXIM}; {src.SMALL}; {src.HARAKA}; {src.MIMECAST}",
        unless="""
            sender|spf|dkim|dmarc
            lookup|query failed
            user|recipient|mailbox not local
            user not local please try
        """,
    ),
    rule(
        "domain.unknown",
        C.BAD_DOMAIN,
        """
        host|host_name or domain|name ?name ?is unknown|not_found|not
        !client|your|sender|sending|helo|reverse host|hostname|domain_name|
            name_server_host .. unknown|not_found|not_exist
        unknown|no_such|nonexistent|non_existent|nonexistant|bad|invalid|illegal|unrouteable|
            unroutable|undefined|unresolvable ?mail|destination|recipient|local|internet|or|
            email|system|rcpt domain|host|system|hostname|destination_system|hosts
        no such host|domain|site|server
        nxdomain|null_mx|nullmx
        no mx|a|dns|valid_mx|usable|suitable|address|mail_server|mail_exchanger .. record|
            records|found|for|host|hosts|available
        mx record|records|host|hosts|lookup .. not|no|n't|non_existent|invalid|null|fail*|does
        !from|sender|your|of|sending recipient|destination|target|rcpt|recipient's|
            email ?address domain|host|system .. not|n't|no|invalid|unknown|unreachable|fail*|
            doesn't
        !sender|from|your|of|sending|sender's domain ?name|at|@ .. not_exist|not_found|
            not_reachable|not_accept_mail|does_not_exist|doesn't_exist|not_resolve|unresolvable|
            nonexistent|non_existent|is_invalid|unknown|lookup_fail*|dead|expired|not_valid|
            does_not_accept|doesn't_accept|cannot_be_found|not_receive|has_no
        dns domain .. not|n't exist
        bad destination system
        destination|recipient|invalid dns mx|a|record|records
        does|do not|n't accept ?any|e-mail mail|email|e-mail|messages|smtp
        accepts no mail|email
        host|domain|server .. not|n't|never accept* ?any mail|email
        host does not accept
        not|isn't a|an mail ?server|exchanger|host|domain
        no mail|e-mail|email ?is accepted|here|service
        couldn't|cannot|could|can't|unable ?not ?to find|locate|resolve ?any|a|the host|domain|
            hostname|mx|mail_exchanger
        name ?or service|or not known
        unresolvable|non_resolvable
        bad domain
        server|destination_server for this recipient could not be found
        no mx found
        could|cannot not be found in dns
        domain|host has|is been disabled|suspended|parked|closed|expired|terminated
        no route found to domain
        no data known
        points|point to .. non_existent|nonexistent
        no smtp service
        """,
        source=f"{src.RFC_NULL_MX}; {src.RFC}; {src.SENDMAIL}; {src.EXIM}; {src.QMAIL}",
        unless="""
            mail|email|messages from
            temporar*|try again
            timed|time out
            mail_from|sender|from_address
            user|mailbox|recipient unknown
            unknown user
            relay*
            helo|ehlo|hello
            your ?mail ?server domain|host|hostname|address
            of|for client
        """,
    ),
    rule(
        "domain.unknown_temporary",
        C.INFRA,
        """
        host|domain|name .. lookup|resolve|resolution|not_found|dns .. temporar*|try_again|
            timed_out|time_out
        dns .. timed_out|timeout|servfail|temporar*|query
        name_server|nameserver .. timed_out|timeout|temporar*|fail*|error
        cname lookup failed temporarily
        """,
        source=f"{src.POSTFIX}; {src.QMAIL}; {src.SENDMAIL}",
    ),
)

MACHINE_RULES = (
    rule(
        "queue.expired",
        C.EXPIRED,
        """
        message|mail|delivery|queue ?time|has|life_time expired
        expired .. queue|delivery|retr*
        retry time_out|timeout|time .. exceeded|not_reached
        retry timeout
        queue too long|life_time|lifetime
        in|on the|our queue too long
        have been failing for a long time
        could not be delivered .. for|within|after # days|hours|day|h|d
        not be delivered for # days|hours
        unable to deliver .. for|after # days|hours
        maximum|max number of delivery|retry attempts
        maximum|max retries|retry|attempts .. exceed*|reached
        giving up|gave_up
        message_expired|delivery_expired
        delivery failed|attempted # attempts|times
        delivery ?time|attempts expired
        delivery time|timeout expired|exceeded
        exceeded maximum|max|time|retry .. queue|retry|age|attempts
        too many|old .. retries|delivery_attempts
        user open with
        past expiration
        """,
        source=f"RFC 3463 x.4.7; {src.EXIM}; {src.SENDMAIL}; {src.QMAIL}; {src.EXCHANGE}",
        unless="session|connection|certificate|password|account|mailbox expired",
    ),
    rule(
        "machine.fault",
        C.INFRA,
        """
        disk space|full|error|quota
        insufficient|not_enough|no|low ?system|disk storage|disk|resource|resources|memory|
            disk_space|space
        system storage|resource|resources
        out of memory|disk|resources
        space shortage
        internal|system|server|mailer|local|configuration|lookup|dns|software|unexpected|
            backend|database|ldap|network|fatal|unknown|gateway|processing|filesystem|io|
            timeout|temporary|delivery|unspecified ?or|mail|local|server|system|software|
            service|lookup|program|problem error|failure|problem|fault|exception|trouble|
            problems|errors|errormessage
        error in processing
        local|server|system configuration
        config*|setup error|problem
        misconfigur*
        queue file|write|unavailable|full
        lookup|query|search|ldap .. fail*|failure|error|timeout
        time_out|timed_out|timeout|times_out|timing_out|timeouts
        connection|session|socket|connect ?was|timed|has reset|lost|dropped|died|failed|broken|
            closed|aborted|timed_out|interrupt*|out|unexpectedly
        lost connection
        try again|later
        come back later
        retry later
        temporar*
        transient
        service|services|server|system|resource|resources|host|mailserver|
            machine .. not_available|unavailable|down|not_ready|offline|unreachable|stopped|
            out_of_order|maintenance|busy
        maintenance|out_of_service|out_of_order
        closing ?transmission|connection|down connection|channel|transmission
        too many errors
        resource|resources
        could|can|cannot|couldn't|can't|unable|failed|failure ?not ?to load|connect|open|create|
            write|contact|process|deliver|complete|establish|reach|store|save|start|fork|exec|
            execute|access|read|locate_server|initialize|lock|allocate|accept
        error writing|opening|reading|processing|creating|while|executing|during|in|on|from|
            connecting|delivering|occurred
        could not be stored|delivered|processed|completed|written
        overload*|too_busy|server_busy|system_busy|heavy_load|load_average|high_load|load
        server|system|host|network|line|mailbox|machine|gateway too|is busy|loaded
        shutting|going|shut down
        network error|unreachable|problem|failure|timeout|is_busy|busy
        no route|answer|response|connection|reply
        bad connection
        connection refused
        connect*|connection to|with .. fail*|refused|timed|reset
        no|not answer|response|responding from|host
        not responding
        operation|host|network timed|unreachable
        i/o|input/output error
        aborted|abort
        certificate|tls|ssl .. error|fail*|expired|invalid|verif*
        mailer|delivery agent|program|script
        unknown mailer
        exited|signal|core_dumped|exit
        cannot|can't create|append|update|exec
        permission denied
        not ready
        unreachable
        no_answer|bad_connection from|to|with host|server
        bad_connection|no_answer_from_host|routing_errors|protocol_errors
        communication problem|error|failure
        experiencing .. problem|problems|difficult*
        please retry|resend|try
        requested ?mail action aborted
        action aborted
        service unavailable|not_available|is_unavailable|temporarily
        """,
        source=f"{src.RFC}; {src.POSTFIX}; {src.EXIM}; {src.SENDMAIL}; {src.QMAIL}; {src.EXCHANGE}",
    ),
)
