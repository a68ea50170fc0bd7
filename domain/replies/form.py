"""Wordings about the message's form and size, and about the conversation itself."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

FORM_RULES = (
    rule(
        "form.size",
        C.TOO_BIG,
        """
        message|messages|mail|email|e-mail|data|content|header|headers|body|
            attachment ?file size|length|line|lines .. exceed*|limit*|too|maximum|larger|bigger|
            above
        mailsize|messagesize|message_size|msgsize .. exceed*|limit*|too|maximum
        exceed*|maximum|over .. mailsize|messagesize|message_size|mail_size
        message|mail|email|e-mail|data|attachment|file is|was ?far too big|large|long
        message|mail|email|e-mail|data|attachment ?far too big|large|long
        too big|large|long .. message|mail|email|e-mail|attachment
        exceed*|over|above|greater .. message|mail|email|e-mail|attachment size|length
        message|mail|email exceed* .. size|length|databytes
        maximum|max|allowed|permitted ?allowed ?message|mail|email|file size
        size limit|restriction|limitation|exceed*
        limit* .. size .. message|mail|email
        databytes limit
        line|lines ?length limit|exceed*|longer
        line is|was ?too long|exceed*
        line too long
        exceeded storage allocation message
        accept messages|message this|that large
        larger|bigger than .. limit|allowed|maximum|permitted|accept*|byte|bytes|kb|mb
        """,
        source=f"{src.RFC_SIZE}; {src.POSTFIX}; {src.EXIM}; {src.QMAIL}",
        unless="""
            mailbox|inbox|folder|mailfolder size
            recipients|transactions per
            limit* .. per hour|day|minute
        """,
    ),
    rule(
        "form.headers",
        C.MIME,
        """
        rfc822|rfc2822|rfc5322
        rfc 822|2822|5322
        rfc compliant|compliance|violation|conform*|noncompliant
        not rfc|standard|standards compliant|conform*
        duplicate|multiple|missing|malformed|invalid|bad|illegal|empty|forged .. header|headers|
            message_id|subject
        duplicate|multiple|missing|malformed|invalid|bad|illegal|empty from_header|from_line|
            date_header|to_header
        header|headers error|fail|fails|syntax|invalid|missing
        header|headers .. fail*|missing|invalid|not_valid|syntax
        multiple addresses in from
        disallowed header
        message|mail|mime|email|body .. malformed|ill_formed|corrupt*
        malformed
        bare|stray lf|cr|newline|newlines|linefeed|linefeeds|carriage
        bare_lf|smtplf
        media error
        mime error|violation|structure|encoding|format|boundary|part|parts|type|nesting
        improper use of 8_bit
        8_bit .. header*|character*|data|not
        conversion
        unicode|utf_8|non_ascii|nul|null character|byte|header*
        charset|character_set .. not|unsupported|reject*|invalid
        data format error
        unsupported|invalid .. charset|encoding
        """,
        source=f"{src.RFC_FORM}; {src.POSTFIX}; {src.EXIM}",
        unless="""
            null sender|mx
            spam|virus
            relay*
            domain|address .. malformed
            malformed .. address|domain|recipient
            bad|malformed|invalid recipient|mailbox|user
            rfc 7505|7504
        """,
    ),
    rule(
        "conversation.protocol",
        C.PROTOCOL,
        """
        syntax error
        command not|un implemented|recogni*|supported|allowed|accepted|understood|unrecogni*
        command ?parameter|parameters not implemented|recogni*
        unrecogni*|unknown|unsupported|invalid|unimplemented|bad command|parameter|parameters|
            argument|arguments
        bad|wrong|incorrect sequence
        sequence error
        out of sequence
        nested mail
        sender already specified
        must issue
        starttls|start_tls
        tls required|is|connection|negotiation|session|encryption|handshake|must
        requires|require|required|need|needs|without|use .. tls|ssl|encryption
        encryption required|is_required|needed
        size per transaction
        smtputf8|eai|internationali*
        command pipelining
        improper command
        protocol error|violation|synchroni*
        smtp synchroni*
        need|needs|valid|no|without mail|rcpt before|command|first|recipient
        need recipient
        need rcpt|mail
        please say|send helo|ehlo|mail|rcpt
        polite|say helo|ehlo|hello
        send helo|ehlo first
        expected mail|rcpt|data|helo|ehlo
        8bitmime|binarymime|chunking .. not|required
        no smtp service|here .. pipelin*
        connection .. talk .. too early
        talks|spoke|talked|sends|sent too soon|early|before
        early talker|talkers
        line parse error
        domain missing or
        """,
        source=f"{src.RFC}; {src.POSTFIX}; {src.EXIM}",
        unless="""
            recipient|address|mailbox|local_part .. syntax
            syntax .. recipient|address|mailbox|domain|headers
            user|mailbox|recipient unknown
            unknown user|recipient
            no|not such|found user|recipient
            greylist*
        """,
    ),
    rule(
        "conversation.recipients",
        C.PROTOCOL,
        """
        too many recipients|rcpt|rcpts|addresses
        out of allow* rcpt
        maximum|max|limit number|on|of .. recipients .. exceed*|reached
        number of recipients exceed*
        recipients .. exceed* .. per|limit|maximum
        recipient|recipients limit exceed*
        recipients per message|transaction|session
        """,
        source=f"{src.RFC} (452, x.5.3); {src.POSTFIX}",
        unless="""
            too many recipients .. hour|day|minute|time|invalid|unknown|period
            invalid|unknown|nonexist*|bad recipients
        """,
    ),
)
