"""A file of authorities that is renewed while the connector runs."""

import shutil
from pathlib import Path

from tests.support.web_server import Answer, web_server
from tests.unit.salesforce.rest.scripted import EVENT, Org, data


def test_a_renewed_file_of_authorities_is_read_again(tmp_path: Path) -> None:
    trusted = tmp_path / "ca.pem"
    with web_server(tls_directory=tmp_path / "one") as one, web_server(tls_directory=tmp_path / "two") as two:
        shutil.copy(str(one.ca_file), trusted)
        org = Org(one)
        one.script = two.script = org.script
        org.answers[data(f"sobjects/{EVENT}/describe")] = Answer({"name": EVENT})
        rest = org.rest(bridge__salesforce__ca__file=str(trusted), request__max__retries__time__ms="1000")
        assert rest.describe(EVENT)["name"] == EVENT
        first = rest._http
        assert rest.describe(EVENT)["name"] == EVENT
        assert rest._http is first, "its connections stay open"
        shutil.copy(str(two.ca_file), trusted)
        org.web, rest._login.instance = two, two.url  # the same org, with its renewed certificate
        rest._login.renew(rest._login.session())
        assert rest.describe(EVENT)["name"] == EVENT
