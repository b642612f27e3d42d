"""Everything that talks to Salesforce: login, REST metadata, the streaming client."""
