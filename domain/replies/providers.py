"""Codes and phrases of one provider each, as its postmaster pages explain them. Decide first."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import Rule, rule


def _codes(name: str, reason: C, says: str, source: str, **more: str) -> Rule:
    return rule(name, reason, says, source=source, links=True, **more)


YAHOO = (
    _codes("yahoo.disabled", C.INACTIVE, "554.30\n30 sorry your message", src.YAHOO),
    _codes("yahoo.deferred", C.REPUTATION_DEFER, "tss0#|tss1#|ts0#|ts1#\ngl0#|ipts0#", src.YAHOO),
    _codes("yahoo.blocked", C.REPUTATION_BLOCK, "bl21|bl22|bl23|ph01|ipts04", src.YAHOO),
    _codes("yahoo.policy", C.CONTENT, "message|email not accepted for policy", src.YAHOO),
    _codes("yahoo.unauthenticated", C.AUTH_FAIL, "5.7.9 .. unauthenticated", src.YAHOO),
    _codes(
        "aol.blocked",
        C.REPUTATION_BLOCK,
        "rtr bb|bl|rd|ge|ch|du|bg|gh\nrly b#|bd|sn|ss|cs|nw|ov|oc|un|fe\ncon b1|b2",
        src.YAHOO,
    ),
    _codes("aol.links", C.CONTENT, "hvu b1|b2|bl", src.YAHOO),
    _codes("aol.dns", C.AUTH_FAIL, "dns b1|b2|nr", src.YAHOO),
    _codes("aol.rate", C.REPUTATION_DEFER, "dyn t1|t2", src.YAHOO),
)
MICROSOFT = (
    _codes(
        "exchange.no_recipient",
        C.INVALID_RECIPIENT,
        "resolver adr .. recip*|exrecip*|ambiguous|invalid*|badprimary*\n"
        "recipient not found by smtp address lookup\n5.4.1 .. recipient address|addresses reject*\n"
        "remote server returned unknown recipient",
        src.EXCHANGE,
    ),
    _codes(
        "exchange.size",
        C.TOO_BIG,
        "resolver rst|adr recipsizelimit|sendsizelimit*|msgsize*\nmsgsize|messagesize* exceed*",
        src.EXCHANGE,
    ),
    _codes(
        "exchange.restricted",
        C.ROUTING,
        "resolver rst\ntenantattribution relay\nnot authorized .. restricted group",
        src.EXCHANGE,
    ),
    _codes(
        "exchange.disabled",
        C.INACTIVE,
        "accountdisabledexception|mailboxdisabled*|mailboxoffline*",
        src.EXCHANGE,
    ),
    _codes(
        "exchange.full",
        C.MAILBOX_FULL,
        "quotaexceeded*|mailboxfull*|mapiexceptionmaxobjsexceeded\nstoredrv .. mailbox full",
        src.EXCHANGE,
    ),
    _codes(
        "exchange.loop",
        C.ROUTING,
        "resolver fwd|loop .. loop*|forwarding*\nresolver loop|fwd",
        src.EXCHANGE,
    ),
    _codes("exchange.transport_rule", C.CONTENT, "transport rules rejectmessage", src.EXCHANGE),
    _codes("exchange.expired", C.EXPIRED, "queue expired", src.EXCHANGE),
    _codes(
        "outlook.blocked",
        C.REPUTATION_BLOCK,
        "s3140|s3150|s3115|s77719|s775\nsc 001|002|003|004\ndy 001|002|003",
        src.MICROSOFT,
    ),
    _codes("outlook.content", C.CONTENT, "s2017062302\nou 001|002|003", src.MICROSOFT),
    _codes("outlook.block_list", C.REPUTATION_BLOCK, "fblw15|fblw14", src.MICROSOFT),
)
GOOGLE = (
    _codes(
        "google.receiving_rate", C.RECIPIENT_RATE, "receivingrate|receivingrateperm", src.GOOGLE
    ),
    _codes("google.disabled", C.INACTIVE, "disableduser\noverquotaperm .. inactive", src.GOOGLE),
    _codes("google.no_user", C.INVALID_RECIPIENT, "nosuchuser|badrcptdomain", src.GOOGLE),
    _codes(
        "google.over_quota",
        C.MAILBOX_FULL,
        "overquotatemp|overquotaperm",
        src.GOOGLE,
        unless="inactive",
    ),
    _codes("google.form", C.MIME, "rfcmessagenoncompliant", src.GOOGLE),
    _codes(
        "google.rate",
        C.REPUTATION_DEFER,
        "unsolicitedratelimiterror|unsolicitedipratelimit*|bulksendquota*|unsolicitedratelimit*",
        src.GOOGLE,
    ),
    _codes(
        "google.unsolicited",
        C.REPUTATION_BLOCK,
        "unsolicitedmessageerror|unsolicitedip*",
        src.GOOGLE,
    ),
    _codes(
        "google.authentication",
        C.AUTH_FAIL,
        "ipv6autherror|noreverseip|unauthenticatedemail",
        src.GOOGLE,
    ),
    _codes("google.blocked_content", C.CONTENT, "blockedmessage", src.GOOGLE, unless="header"),
)
GODADDY = (
    _codes(
        "godaddy.blocked",
        C.REPUTATION_BLOCK,
        "ib101|ib102|ib103|ib104|ib105|ib106|ib107|ib109"
        "|ib110|ib111|ib112|ib113|ib501|ib503|ib504|ib510|ib601|ib607",
        src.GODADDY,
    ),
    _codes("godaddy.sender", C.AUTH_FAIL, "ib108|ib502|ib505|ib506|ib508|ib705", src.GODADDY),
    _codes("godaddy.recipients", C.PROTOCOL, "ib605|ib401", src.GODADDY),
    _codes("godaddy.content", C.CONTENT, "ib21#|ib70#", src.GODADDY),
    _codes("godaddy.no_recipient", C.INVALID_RECIPIENT, "irbounce", src.GODADDY),
)
_FRENCH = "ofr*|lpn*|sfr*"
FRANCE = (
    _codes("orange.sender", C.AUTH_FAIL, f"{_FRENCH} 402|405", src.ORANGE),
    _codes("orange.content", C.CONTENT, f"{_FRENCH} 506", src.ORANGE),
    _codes("orange.no_recipient", C.INVALID_RECIPIENT, f"{_FRENCH} 416", src.ORANGE),
    _codes("orange.full", C.MAILBOX_FULL, f"{_FRENCH} 417", src.ORANGE),
    _codes("orange.inactive", C.INACTIVE, f"{_FRENCH} 425|426", src.ORANGE),
    _codes(
        "orange.refused",
        C.REPUTATION_BLOCK,
        f"{_FRENCH} 10#|11#|50#|51#|52#|60#|63#|999",
        src.ORANGE,
    ),
    _codes("free.spam", C.REPUTATION_BLOCK, "too many spams from your ip", src.FREE),
    _codes("free.errors", C.REPUTATION_DEFER, "too many errors from your ip", src.FREE),
)
AMERICA = (
    _codes("apple.blocked", C.REPUTATION_BLOCK, "cs0#|hm0#|hm1#|hcm1|hcm2", src.APPLE),
    _codes("comcast.blocked", C.REPUTATION_BLOCK, "bl000*|bl001*\nes000001|es000010", src.COMCAST),
    _codes("comcast.rate", C.REPUTATION_DEFER, "rl000*|rl001*", src.COMCAST),
    _codes("comcast.content", C.CONTENT, "ph000*", src.COMCAST),
    _codes("comcast.authentication", C.AUTH_FAIL, "dm000*|dk000*|sp000*", src.COMCAST),
    _codes(
        "cox.blocked",
        C.REPUTATION_BLOCK,
        "cxbl|cdrbl|cpbl|csbl|cxthrt|cxmj|ipbl*\ncxcnct|cxmxcnct|cxmxrt",
        src.COX,
    ),
    _codes("cox.sender", C.AUTH_FAIL, "cxdns|cxsndr|urlbl0#", src.COX),
    _codes(
        "charter.policy", C.REPUTATION_BLOCK, "aup in|i|out|esld|cmae|snd|cxsndr|#", src.CHARTER
    ),
    _codes("att.blocked", C.REPUTATION_BLOCK, "dnsbl attrbl|rbl|atttrbl", src.ATT),
    _codes("rackspace.policy", C.REPUTATION_BLOCK, "rejected acl", src.RACKSPACE),
)
ASIA = (
    _codes(
        "netease.connections",
        C.REPUTATION_BLOCK,
        "hl rep|icc|ifc|mep|itc|ihu|ipb|ifq\nmi cel|dmc|ccl|sfq|stc|spb|imf|frl\n"
        "rp cel|drc|ccl|qrc|trc|rcl\ndt rbl\nwm bli|blu",
        src.NETEASE,
    ),
    _codes("netease.spf", C.AUTH_FAIL, "mi spf", src.NETEASE),
    _codes("netease.spam", C.CONTENT, "dt spm|sum", src.NETEASE),
    _codes("netease.sender", C.AUTH_FAIL, "fake sender\nnull sender is not allowed", src.CHINA),
    _codes(
        "tencent.rate",
        C.REPUTATION_BLOCK,
        "ip|domain|sender|connection|from frequency limited\nsuspected bounce attack*\n"
        "suspected spam sender|ip\nconnection denied",
        src.TENCENT,
    ),
    _codes(
        "tencent.recipient_rate",
        C.RECIPIENT_RATE,
        "mailbox unavailable or access denied",
        src.TENCENT,
    ),
    _codes(
        "tencent.refused_by_recipient",
        C.REPUTATION_BLOCK,
        "mail is rejected by recipient*",
        src.TENCENT,
    ),
    _codes("daum.no_user", C.INVALID_RECIPIENT, "rusr", src.KOREA),
    _codes(
        "daum.blocked",
        C.REPUTATION_BLOCK,
        "register your ip\nregistered as spammer\nip .. is filtered\nyou send too many messages\n"
        "spam_suspect\nsince you sent too many",
        src.KOREA,
    ),
)
SECURITY = (
    _codes(
        "ironport.reputation",
        C.REPUTATION_BLOCK,
        "sending mta .. poor reputation\nyour access to .. mail system has been rejected",
        src.IRONPORT,
    ),
    _codes(
        "mimecast.greylisting",
        C.GREYLIST,
        "internal resource|resources temporarily unavailable .. mimecast\n"
        "internal resource|resources are|is temporarily unavailable",
        src.MIMECAST,
        codes="4",
    ),
    _codes(
        "mimecast.policy",
        C.REPUTATION_BLOCK,
        "administrative prohibition\nenvelope blocked\nmanually blocked senders\n"
        "anti_spoofing policy\nexceeding outbound thread limit\nip reputation reject*\n"
        "host network not allowed",
        src.MIMECAST,
    ),
    _codes(
        "mimecast.no_recipient",
        C.INVALID_RECIPIENT,
        "invalid recipient .. mimecast*|doc",
        src.MIMECAST,
        codes="5",
    ),
    _codes("facebook.no_recipient", C.INVALID_RECIPIENT, "rcp p1", src.FACEBOOK),
    _codes("facebook.refused", C.REPUTATION_BLOCK, "rcp p2|p3\npol p1|p2|p3|t1", src.FACEBOOK),
    _codes("facebook.sender", C.AUTH_FAIL, "pol p4|p5|p7\ndns p1|p2|p3|t1", src.FACEBOOK),
    _codes("facebook.content", C.CONTENT, "pol p6", src.FACEBOOK),
    _codes("facebook.connections", C.REPUTATION_DEFER, "con t1|t2|t3|t4\nrcp t4", src.FACEBOOK),
    _codes("facebook.internal", C.INFRA, "int t1|t2|t3|t4|p1|p2|p3|p4", src.FACEBOOK),
    _codes(
        "cpanel.may_not_exist",
        C.INVALID_RECIPIENT,
        "the account or domain may not exist",
        src.EXIM,
        unless="sender verif*",
    ),
    _codes("qmail.bare_lf", C.MIME, "smtplf", src.QMAIL),
    _codes(
        "t_online.blocked",
        C.REPUTATION_BLOCK,
        "a problem occurred ask your postmaster",
        src.T_ONLINE,
    ),
    _codes("strato.list", C.REPUTATION_BLOCK, "no spam please .. b|h bl", src.STRATO),
    _codes("strato.content", C.CONTENT, "no spam please", src.STRATO),
    _codes(
        "gmx.domain_policy",
        C.AUTH_FAIL,
        "reject due to domain policy\nreject due to spf policy\n"
        "mailbox unavailable .. invalid dns mx|a\nunauthorized sender address",
        src.GMX,
    ),
    _codes("gmx.bad_dns", C.AUTH_FAIL, "bad dns ptr\nbad dns a_record", src.GMX),
    _codes(
        "yandex.recipient_blocked", C.INACTIVE, "policy rejection on the target address", src.RUSSIA
    ),
    _codes(
        "esp.suppressed",
        C.INVALID_RECIPIENT,
        "suppressed sending to this address\nbounced address\n"
        "delivering to previously bounced|unsubscribed address\naddress is on|in suppression list",
        src.SENDERS,
    ),
    _codes("ses.unverified", C.AUTH_FAIL, "identities failed the check", src.SENDERS),
    _codes(
        "ses.quota",
        C.REPUTATION_DEFER,
        "throttling failure\nmaximum sending rate exceeded\ndaily message quota exceeded",
        src.SENDERS,
    ),
)

PROVIDER_RULES = YAHOO + MICROSOFT + GOOGLE + GODADDY + FRANCE + AMERICA + ASIA + SECURITY
