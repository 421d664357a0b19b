"""GCP Secret Manager on a port of 127.0.0.1, over gRPC: the store of drongo behind Google's own server and messages.

Rule: what Purser's authors wrote of it is only which method is which of the store.
Run as: python peer.py <port>
"""

import sys
from concurrent import futures

import google_crc32c
import grpc
from drongo.core.exceptions import DrongoHttpError
from drongo.services.secretmanager.models import secretmanager_backends as backends
from google.cloud import secretmanager_v1 as sm
from google.protobuf import empty_pb2

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ALREADY_EXISTS,
}


def part(name, position):
    return name.split("/")[position]


def store_of(name):
    return backends[part(name, 1)]


def secret(stored):
    return sm.Secret(name=stored.name, labels=stored.labels)


def version(stored):
    return sm.SecretVersion(name=stored.name, state=stored.state)


def create_secret(request):
    made = store_of(request.parent).create_secret(request.secret_id, labels=dict(request.secret.labels))
    return secret(made)


def get_secret(request):
    return secret(store_of(request.name).get_secret(part(request.name, 3)))


def update_secret(request):
    stored = store_of(request.secret.name).get_secret(part(request.secret.name, 3))
    stored.labels = dict(request.secret.labels)
    return secret(stored)


def list_secrets(request):
    found = store_of(request.parent).list_secrets()
    if request.page_token and not request.page_token.isdecimal():
        raise DrongoHttpError(400, "The page token is invalid.", reason="badRequest", status="INVALID_ARGUMENT")
    start = int(request.page_token or 0)
    end = start + (request.page_size or 25)
    token = str(end) if end < len(found) else ""
    return sm.ListSecretsResponse(secrets=[secret(s) for s in found[start:end]], next_page_token=token, total_size=len(found))


def delete_secret(request):
    store_of(request.name).delete_secret(part(request.name, 3))
    return empty_pb2.Empty()


def add_version(request):
    return version(store_of(request.parent).add_version(part(request.parent, 3), request.payload.data))


def access_version(request):
    found = store_of(request.name).access_version(part(request.name, 3), part(request.name, 5))
    payload = sm.SecretPayload(data=found.data, data_crc32c=google_crc32c.value(found.data))
    return sm.AccessSecretVersionResponse(name=found.name, payload=payload)


def list_versions(request):
    found = reversed(store_of(request.parent).list_versions(part(request.parent, 3)))
    wanted = [v for v in found if request.filter != "state:ENABLED" or v.state == "ENABLED"]
    return sm.ListSecretVersionsResponse(versions=[version(v) for v in wanted[: request.page_size or 25]])


def state_of(state):
    def change(request):
        store = store_of(request.name)
        return version(store.set_version_state(part(request.name, 3), part(request.name, 5), state))

    return change


class EmptyMessage:
    serialize = staticmethod(empty_pb2.Empty.SerializeToString)


METHODS = {
    "CreateSecret": (create_secret, sm.CreateSecretRequest, sm.Secret),
    "GetSecret": (get_secret, sm.GetSecretRequest, sm.Secret),
    "UpdateSecret": (update_secret, sm.UpdateSecretRequest, sm.Secret),
    "ListSecrets": (list_secrets, sm.ListSecretsRequest, sm.ListSecretsResponse),
    "DeleteSecret": (delete_secret, sm.DeleteSecretRequest, EmptyMessage),
    "AddSecretVersion": (add_version, sm.AddSecretVersionRequest, sm.SecretVersion),
    "AccessSecretVersion": (access_version, sm.AccessSecretVersionRequest, sm.AccessSecretVersionResponse),
    "ListSecretVersions": (list_versions, sm.ListSecretVersionsRequest, sm.ListSecretVersionsResponse),
    "DisableSecretVersion": (state_of("DISABLED"), sm.DisableSecretVersionRequest, sm.SecretVersion),
    "EnableSecretVersion": (state_of("ENABLED"), sm.EnableSecretVersionRequest, sm.SecretVersion),
    "DestroySecretVersion": (state_of("DESTROYED"), sm.DestroySecretVersionRequest, sm.SecretVersion),
}


def handler(work, asked, answered):
    def run(request, context):
        try:
            return work(request)
        except DrongoHttpError as error:
            precondition = error.status == "FAILED_PRECONDITION"
            code = grpc.StatusCode.FAILED_PRECONDITION if precondition else CODES[error.status_code]
            context.abort(code, str(error))

    return grpc.unary_unary_rpc_method_handler(
        run, request_deserializer=asked.deserialize, response_serializer=answered.serialize
    )


server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
handlers = {name: handler(*method) for name, method in METHODS.items()}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
server.start()
server.wait_for_termination()
