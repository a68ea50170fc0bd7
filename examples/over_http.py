"""The whole main job over HTTP: from signing up to a file that says who got the mail.

    python examples/over_http.py --api http://127.0.0.1:8000 --inbox http://127.0.0.1:8001

On a stack of `penguin up`, which tells both addresses: mail goes to its own stand-in mailboxes, and
the link that confirms an address is read from there. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "client"))

from penguinmails import Client

PASSWORD = "four kind penguins walk"
LEADS = 500
TEMPLATE = {
    "subject": 'Hello {{ first_name | default("there") }}',
    "html": '<p>Hi {{ first_name | default("you") }}, <a href="https://example.com/">look</a>.</p>'
    '<p><a href="{{ unsubscribe_url }}">No more of this</a></p>',
}
#: All hours of all days, so that this ends soon; office hours would be 09:00 to 17:00, mon to fri.
HOURS = {
    "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "from": "00:00",
    "to": "24:00",
    "zone_of": "recipient",  # by the clocks where each lead lives: its field time_zone
    "zone": "Europe/Berlin",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", required=True, help="as `penguin up` tells it: api_url")
    parser.add_argument("--inbox", required=True, help="where its mailboxes are read: inbox_url")
    parser.add_argument("--out", type=Path, default=Path("ledger.csv"))
    args = parser.parse_args()
    client = Client(args.api)
    name = uuid.uuid4().hex[:10]

    sign_up(client, args.inbox, f"ada@{name}.example", name)
    sender_id = ground(client, f"{name}.example")
    list_id = leads(client, name)
    template_id = template(client)
    campaign_id = launch(client, template_id, list_id, sender_id)
    watch(client, campaign_id)
    export(client, campaign_id, args.out)


def sign_up(client: Client, inbox: str, address: str, tenant: str) -> None:
    """An account, its address confirmed by the link in the mail, and a session."""
    client.sign_up(address=address, password=PASSWORD, tenant_name=tenant)
    print(f"signed up as {address}; waiting for the mail")
    client.verify(token=link_token(inbox, address))
    client.token = client.log_in(address=address, password=PASSWORD)["token"]
    client.change_tenant(contact_fatigue={"per_day": 2, "gap_h": 4})  # of marketing mail, a contact
    print("verified and logged in")


def link_token(inbox: str, address: str) -> str:
    """What the link in the newest mail to this address carries."""
    asked = urllib.parse.urlencode({"recipient": address})
    for _ in range(300):
        found = read(f"{inbox}/api/messages?{asked}")["messages"]
        if found:
            raw = read(f"{inbox}/api/messages/{found[0]['id']}")["raw"]
            text = raw.replace("=\r\n", "").replace("=3D", "=")
            return re.findall(r"token=([\w-]+)", text)[0]
        time.sleep(0.1)
    sys.exit(f"no mail for {address} within half a minute")


def read(url: str) -> dict:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def ground(client: Client, domain: str) -> str:
    """A sending domain with its records seen, somebody to be from, and an IP to send from."""
    added = client.add_domain(domain=domain)
    for record in added["records"]:
        print(f"  publish {record['type']:5} {record['name']}")
    checked = client.check_domain(added["domain_id"])
    print(f"{domain} is {checked['state']}")
    client.add_ip()
    return client.save_sender(address=f"news@{domain}", name="Ada's news")["sender_id"]


def leads(client: Client, name: str) -> str:
    """A file imported: uploaded, looked at, started, watched."""
    zones = ("America/New_York", "Asia/Tokyo", "")
    rows = "".join(f"lead{n}@{name}-leads.example,Lead {n},{zones[n % 3]}\n" for n in range(LEADS))
    file = f"email,first_name,time_zone\nnobody,Nobody,\n{rows}".encode()
    uploaded = client.upload_file(data=file, content_type="text/csv", list_name="Readers")
    import_id = uploaded["import_id"]
    client.start_import(import_id)
    while (found := client.get_import(import_id))["state"] not in ("done", "failed"):
        time.sleep(0.1)
    print(f"import {found['state']}: {found['imported']} leads, {found['rejected']} row rejected")
    return found["list_id"]


def template(client: Client) -> str:
    """A template, looked through for mistakes and published."""
    template_id = client.create_template(name="Hello", draft=TEMPLATE)["template_id"]
    findings = client.lint(template_id)["findings"]
    print(f"template: {len(findings)} findings")
    client.publish_template(template_id)
    return template_id


def launch(client: Client, template_id: str, list_id: str, sender_id: str) -> str:
    """A campaign, estimated and launched."""
    campaign = client.create_campaign(
        name="Hello",
        template_id=template_id,
        list_ids=[list_id],
        sender_id=sender_id,
        send_window=HOURS,
    )
    campaign_id = campaign["campaign_id"]
    estimate = client.estimate_campaign(campaign_id)
    print(
        f"{estimate['mailable']} of {estimate['leads']} leads; in its way: {estimate['blocked_by']}"
    )
    client.launch_campaign(campaign_id)
    return campaign_id


def watch(client: Client, campaign_id: str) -> None:
    """Its counters as they move, until it is finished."""
    last = "0"
    while True:
        for event_id, event, told in client.listen(last_event_id=last):
            last = event_id or last
            if told.get("campaign_id") != campaign_id:
                continue
            if event == "campaign.counters":
                print(f"  {told['requested']} requested: {told['states']}")
            if event == "campaign.state" and told["state"] == "finished":
                print("finished")
                return


def export(client: Client, campaign_id: str, out: Path) -> None:
    """The ledger as a file: who got it, and what became of each."""
    made = client.make_export(filter={"campaign_id": campaign_id}, with_addresses=True)
    out.write_bytes(client.download_export(made["export_id"]))
    print(f"{len(out.read_bytes().splitlines()) - 1} rows in {out}")


if __name__ == "__main__":
    main()
