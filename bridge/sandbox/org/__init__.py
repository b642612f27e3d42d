"""A simulated Salesforce org: OAuth, REST metadata, CometD over TLS; faults can be switched on."""

from bridge.sandbox.org.bayeux import Settings
from bridge.sandbox.org.oauth import Credentials
from bridge.sandbox.org.org import Org

__all__ = ["Credentials", "Org", "Settings"]
