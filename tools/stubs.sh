#!/usr/bin/env bash
# Makes bridge/salesforce/pubsub/pubsub_api.binpb, the compiled form of Salesforce's pubsub_api.proto beside it
# (github.com/forcedotcom/pub-sub-api, CC0-1.0). Only the compiled descriptor is kept, and no generated Python: that
# would ask for a Protobuf library at least as new as the compiler.
set -euo pipefail

room=bridge/salesforce/pubsub
.venv/bin/python -m grpc_tools.protoc -I $room --descriptor_set_out=$room/pubsub_api.binpb pubsub_api.proto
