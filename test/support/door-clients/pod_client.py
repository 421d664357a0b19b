"""A program in a pod, which has nothing but its environment and the token of its service account.

pod_client.py <boto3|kubernetes|jwt> <group> <secret of another group>: reads the whole group and then tries the other secret;
prints what it made of the answers, as JSON.
"""
import json
import os
import sys


def told(error):
    return {'error': type(error).__name__, 'text': str(error)}


def refusal_of(ask):
    try:
        return {'value': ask()}
    except Exception as error:  # what is raised is what is asked for
        return told(error)


def by_boto3(group, other):
    import boto3

    client = boto3.client('secretsmanager')
    pages = client.get_paginator('list_secrets').paginate(Filters=[{'Key': 'name', 'Values': [group]}])
    names = [one['Name'] for page in pages for one in page['SecretList']]
    values = {}
    for start in range(0, len(names), 20):
        answer = client.batch_get_secret_value(SecretIdList=names[start:start + 20])
        values |= {one['Name']: one['SecretString'] for one in answer['SecretValues']}
    return values, [
        refusal_of(lambda: client.get_secret_value(SecretId=other)['SecretString']),
        client.batch_get_secret_value(SecretIdList=[other])
    ]


def by_hvac(log_in):
    import hvac

    def read(group, other):
        # It finds VAULT_ADDR and VAULT_CACERT by itself.
        client = hvac.Client()
        with open(os.environ['TOKEN_FILE'], encoding='ascii') as file:
            log_in(client, file.read())
        kv = client.secrets.kv.v2

        def read_one(path):
            answer = kv.read_secret_version(path=path, mount_point='secret', raise_on_deleted_version=True)
            return answer['data']['data']['value']

        names = kv.list_secrets(path=group, mount_point='secret')['data']['keys']
        return {f'{group}/{name}': read_one(f'{group}/{name}') for name in names}, [
            refusal_of(lambda: read_one(other)),
            refusal_of(lambda: kv.list_secrets(path=os.path.dirname(other), mount_point='secret'))
        ]

    return read


CLIENTS = {
    'boto3': by_boto3,
    'kubernetes': by_hvac(lambda client, jwt: client.auth.kubernetes.login(role=os.environ['ROLE'], jwt=jwt)),
    'jwt': by_hvac(lambda client, jwt: client.auth.jwt.jwt_login(role=os.environ['ROLE'], jwt=jwt))
}

name, group, other = sys.argv[1:]
try:
    values, others = CLIENTS[name](group, other)
    print(json.dumps({'values': values, 'others': others}, default=str))
except Exception as error:  # what is raised is what is asked for
    print(json.dumps(told(error)))
