"""A program in a pod which runs on: reads a secret whenever a line comes, and prints what it got, by a client made at its start.

pod_renewal.py <boto3|hvac> <secret>
"""
import json
import os
import sys


def by_boto3(secret):
    import boto3

    client = boto3.client('secretsmanager')
    return lambda: client.get_secret_value(SecretId=secret)['SecretString']


def by_hvac(secret):
    import hvac
    import requests
    import urllib3

    # As hvac's page on retries has it; a login is a POST, which urllib3 repeats only if it is told to.
    retries = urllib3.Retry(
        total=20, backoff_factor=0.1, status_forcelist=[412, 503], allowed_methods=None, raise_on_status=False
    )
    session = requests.Session()
    session.mount('https://', requests.adapters.HTTPAdapter(max_retries=retries))
    session.verify = os.environ['VAULT_CACERT']
    client = hvac.Client(session=session)

    def log_in():
        with open(os.environ['TOKEN_FILE'], encoding='ascii') as file:
            client.auth.kubernetes.login(role=os.environ['ROLE'], jwt=file.read())

    def read():
        answer = client.secrets.kv.v2.read_secret_version(
            path=secret, mount_point='secret', raise_on_deleted_version=True
        )
        return answer['data']['data']['value']

    def read_again():
        try:
            return read()
        except hvac.exceptions.Forbidden:
            log_in()
            return read()

    log_in()
    return read_again


name, secret = sys.argv[1:]
read = None
for _ in sys.stdin:
    try:
        read = read or {'boto3': by_boto3, 'hvac': by_hvac}[name](secret)
        answer = {'value': read()}
    except Exception as error:  # what is raised is what is asked for
        answer = {'error': type(error).__name__}
    print(json.dumps(answer), flush=True)
