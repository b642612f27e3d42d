"""How the connector reaches and logs in to Salesforce, and what it subscribes to."""

from __future__ import annotations

from bridge.config.checks import (
    api_version,
    channel_name,
    event_name,
    file,
    keystore,
    salesforce_url,
)
from bridge.config.property import BOOLEAN, HIGH, LIST, LOW, PASSWORD, STRING, Property, When, group

_GRANT = "salesforce.grant.type"
_SECRET_GRANTS = ("PASSWORD", "CLIENT_CREDENTIALS", "OAUTH2_AUTH_CODE_BYOA")

LOGIN = group(
    "How should we connect to Salesforce?",
    Property(
        _GRANT,
        STRING,
        "The OAuth flow: user name and password; a JWT signed with the key in the keystore; the client's "
        "own credentials (needs the org's My Domain URL in salesforce.instance); or a refresh token "
        "obtained before.",
        default="PASSWORD",
        valid=("PASSWORD", "JWT_BEARER", "CLIENT_CREDENTIALS", "OAUTH2_AUTH_CODE_BYOA"),
        importance=HIGH,
        display="Salesforce grant type",
    ),
    Property(
        "salesforce.instance",
        STRING,
        "Where the login goes. The endpoint that the answer names is used from then on. A sandbox logs in at "
        "https://test.salesforce.com.",
        default="https://login.salesforce.com",
        importance=HIGH,
        check=salesforce_url,
        range_text="an https URL (http for loopback addresses only)",
    ),
    Property(
        "salesforce.username",
        STRING,
        "The user who logs in.",
        importance=HIGH,
        required_when=When(_GRANT, ("PASSWORD", "JWT_BEARER")),
    ),
    Property(
        "salesforce.password",
        PASSWORD,
        "The user's password.",
        importance=HIGH,
        required_when=When(_GRANT, ("PASSWORD",)),
    ),
    Property(
        "salesforce.password.token",
        PASSWORD,
        "The user's security token. Give the empty string where the org trusts the address and asks for "
        "none.",
        importance=HIGH,
        required_when=When(_GRANT, ("PASSWORD",)),
        empty_allowed=True,
    ),
    Property(
        "salesforce.consumer.key",
        PASSWORD,
        "The consumer key (client id) of the connected app.",
        importance=HIGH,
        required_when=When(_GRANT, (*_SECRET_GRANTS, "JWT_BEARER")),
    ),
    Property(
        "salesforce.consumer.secret",
        PASSWORD,
        "The consumer secret of the connected app.",
        required_when=When(_GRANT, _SECRET_GRANTS),
    ),
    Property(
        "salesforce.jwt.keystore.file",
        PASSWORD,
        "The keystore (JKS or PKCS#12) with the private key, as data:text/plain;base64,<content>; the "
        "spelling data:text/plain:base64, is accepted too. For JWT_BEARER, unless "
        "salesforce.jwt.keystore.path is given.",
        check=keystore,
        range_text="data:text/plain;base64,…",
        used_when=When(_GRANT, ("JWT_BEARER",)),
    ),
    Property(
        "salesforce.jwt.keystore.path",
        STRING,
        "The keystore as a file on this machine; instead of salesforce.jwt.keystore.file.",
        check=file,
        range_text="the path of a file",
        used_when=When(_GRANT, ("JWT_BEARER",)),
    ),
    Property(
        "salesforce.jwt.keystore.password",
        PASSWORD,
        "The keystore's password, and its key's.",
        required_when=When(_GRANT, ("JWT_BEARER",)),
    ),
    Property(
        "oauth.refresh.token",
        PASSWORD,
        "The refresh token of an authorization code flow that was completed before.",
        required_when=When(_GRANT, ("OAUTH2_AUTH_CODE_BYOA",)),
    ),
    Property(
        "salesforce.platform.subscription.type",
        STRING,
        "Whether one event or a custom channel is subscribed to.",
        default="SINGLE_EVENT",
        valid=("SINGLE_EVENT", "CUSTOM_CHANNEL"),
    ),
    Property(
        "salesforce.platform.event.name",
        STRING,
        "The API name of the platform event. Upper and lower case count.",
        importance=HIGH,
        required_when=When("salesforce.platform.subscription.type", ("SINGLE_EVENT",)),
        check=event_name,
        range_text="an API name such as Order_Placed__e",
    ),
    Property(
        "salesforce.platform.custom.channel.name",
        STRING,
        "The API name of the custom channel, such as Sales__chn, or the channel itself: /event/Sales__chn. With "
        "CUSTOM_CHANNEL.",
        required_when=When("salesforce.platform.subscription.type", ("CUSTOM_CHANNEL",)),
        check=channel_name,
        range_text="an API name such as Sales__chn",
    ),
    Property(
        "salesforce.platform.channel.entities",
        LIST,
        "The events in the custom channel, as many as there are, separated by commas. With CUSTOM_CHANNEL. Several "
        "events in one topic need value.converter.value.subject.name.strategy=RecordNameStrategy or "
        "TopicRecordNameStrategy.",
        default="",
        required_when=When("salesforce.platform.subscription.type", ("CUSTOM_CHANNEL",)),
        range_text="API names such as Order_Placed__e, separated by commas",
    ),
    Property(
        "salesforce.version",
        STRING,
        "The version of Salesforce's APIs; 'latest' asks the org for its newest.",
        default="latest",
        importance=LOW,
        check=api_version,
        range_text="latest, or a version such as 66.0",
    ),
    Property(
        "bridge.salesforce.ca.file",
        STRING,
        "A PEM file of certificate authorities that are trusted for Salesforce in addition to the system's.",
        importance=LOW,
        check=file,
        range_text="the path of a file",
    ),
    Property(
        "bridge.allow.example.keys",
        BOOLEAN,
        "Whether the throw-away keystore that ships with the bridge may be used. For trying out only: its "
        "private key is public.",
        default="false",
        importance=LOW,
    ),
)
