"""Wordings about who sends: authentication, reverse DNS, HELO, the sender's address."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

HEADER_TWICE = rule(
    "form.header_twice",
    C.MIME,
    """
    duplicate|duplicated|multiple|missing|malformed .. header|headers
    more than one .. header|headers
    header|headers .. duplicate|missing|malformed|not_unique|not_rfc
    messages with multiple addresses
    """,
    source=src.RFC_FORM,
)

IDENTITY_RULES = (
    rule(
        "sender.authentication",
        C.AUTH_FAIL,
        """
        dmarc|spf|spf1|dkim|domainkeys|sender_id|senderid|arc_seal
        sender policy framework
        purported responsible
        unauthenticated email|mail|message|messages|e-mail
        sender is|was unauthenticated|not_authenticated
        not pass authentication
        authentication check|checks|results fail*
        message|mail is|was not authenticated
        fail* .. authentication check*
        submitter failed to authenticate
        spoof|spoofed|spoofing
        forged|impersonat* sender|address|domain|from|hostname|hello|helo
        """,
        source=src.RFC_AUTH,
        unless="""
            listed .. dmarc
            greylist*
        """,
    ),
    rule(
        "sender.reverse_dns",
        C.AUTH_FAIL,
        """
        reverse dns|lookup|hostname|host_name|record|address|mapping|resolution|entry|name|ptr
        rdns|fcrdns|ptr|no-reverse
        reversedns|reverse_dns
        cannot|can't|cant|not|unable find|resolve|lookup|to_find|
            to_resolve your ?reverse host_name
        cannot|can't|cant|not|unable find|resolve|lookup|to_find|to_resolve your ?reverse host
        cannot find your
        ip|client|host name_lookup failed
        hostname lookup fail*
        mismatch* ?the client|sender|sending ip
        possibly forged
        ip .. does not|n't resolve
        your ip|host|hostname|server|address .. no|without|missing|lacks .. dns|name|hostname
        no hostname|host_name|dns .. for|of your|client|ip
        fix|check your|the dns|rdns
        dns .. misconfigured|inconsistent|mismatch*
        hostname .. not match .. ip|address
        forward and reverse
        """,
        source=f"{src.POSTFIX}; {src.SENDMAIL}; RFC 1912 §2.1",
    ),
    rule(
        "sender.hello",
        C.AUTH_FAIL,
        """
        helo|ehlo|hello .. reject*|invalid|bad|mismatch*|refused|denied|forged|fake|syntax|error
        helo|ehlo|hello .. does_not|doesn't|not .. resolve|match|exist|valid|found|accept*
        invalid|bad|forged|fake|bogus|unacceptable|illegal helo|ehlo|hello
        invalid domain name
        need fully_qualified host_name
        fully_qualified hostname
        use|uses|using .. our|my|local|recipient .. helo|ehlo
        helohost error
        """,
        source=f"{src.POSTFIX}; {src.EXIM}",
    ),
    rule(
        "sender.address",
        C.AUTH_FAIL,
        """
        sender .. unknown tld
        valid sender domain
        no mx for ?your|the ?from|sender|envelope address
        sender|sender's ?email|e-mail|mail address|domain .. reject*|invalid|refused|unverif*|
            denied
        sender|sender's ?email|e-mail|mail address|domain .. not|n't|never exist|exists|found|
            resolve
        sender|sender's address|domain .. not|n't verif*|valid|allowed|accepted|permitted|known
        sender|sender's address|domain .. unknown|blacklist*
        sender|sender's domain must
        domain of sender
        domain required for sender
        domain name required
        sending|sender|senders domain .. not|n't|no exist|found|resolve|valid|mx|dns
        sending|sender|senders domain .. does_not|doesn't|missing .. mx|record|records|exist|
            resolve
        envelope sender
        envelope from
        badmailfrom|badmailfromto
        invalid|bad|unknown|unverified|illegal|undeliverable|fake sender
        sender verif* .. fail*|error|reject*
        sender verify
        sender call_out|callback
        call_out|callback setup|verif*|failed|failure
        sender denied|refused|unvalidated|unverified|invalid|rejected_by|is_unvalidated
        sender is ?not unvalidated|allowed|authorized|authorised|permitted|rejected|denied|
            valid|verified
        sender|from .. not owned by
        not owned by user
        from address|domain|header .. not|n't verified|allowed|permitted|exist|authorized|match*
        from address|domain|header|addr .. unverified|reject*|invalid
        invalidated|unvalidated from
        mail_from ?address|domain|command|sender|is|was invalid|reject*|refused|denied|mismatch*
        return_path|reverse_path .. invalid|reject*|not|unknown|bad
        not|n't allowed|permitted|authorized|authorised to send from|as
        not|n't allowed as a from
        address is|was not verified
        host|we denies|deny the sender
        remote ip check error
        permissions to send as
        send as this sender
        you|it must be|use .. authenticated .. domain
        email|mail|message .. from .. non_existent|nonexistent|non_existing domain
        """,
        source=f"{src.POSTFIX}; {src.SENDMAIL}; {src.EXIM}; {src.EXCHANGE}; {src.SMTPF};"
        f" {src.HARAKA}",
        unless="""
            blocked using
            poor|bad|low reputation
        refused by black*|site|list
            rbl|dnsbl|spamhaus|greylist*
        """,
    ),
)
