"""One call of a Python client of AWS Secrets Manager, which knows where to ask from its environment alone.

aws_client.py <client> <read|list|write> <secret>: prints what the client made of the answer, as JSON.
"""
import json
import sys

import botocore.exceptions
import botocore.session


def by_boto3(do, secret):
    import boto3

    client = boto3.client('secretsmanager')
    if do == 'list':
        pages = client.get_paginator('list_secrets').paginate(Filters=[{'Key': 'name', 'Values': [secret]}])
        return sorted(one['Name'] for page in pages for one in page['SecretList'])
    if do == 'write':
        return len(client.put_secret_value(SecretId=secret, SecretString='by boto3')['VersionId']) >= 32
    return client.get_secret_value(SecretId=secret)['SecretString']


def by_caching(_do, secret):
    from aws_secretsmanager_caching import SecretCache

    cache = SecretCache(client=botocore.session.get_session().create_client('secretsmanager'))
    return cache.get_secret_string(secret)


def by_powertools(do, secret):
    from aws_lambda_powertools.utilities import parameters

    if do == 'write':
        return len(parameters.set_secret(name=secret, value='by Powertools')['VersionId']) >= 32
    return parameters.get_secret(secret)


CLIENTS = {'boto3': by_boto3, 'caching': by_caching, 'powertools': by_powertools}


def told(error):
    """The classes from what was raised to the error of botocore behind it, and what that says."""
    names = []
    while error is not None:
        names.append(type(error).__name__)
        if isinstance(error, botocore.exceptions.ClientError):
            code = error.response['Error']['Code']
            repeated = error.response['ResponseMetadata'].get('RetryAttempts', 0) > 0
            return {
                'error': ' < '.join(names), 'code': code, 'repeated': repeated,
                'message': error.response['Error'].get('Message', '')
            }
        error = error.__cause__ or error.__context__
    return {'error': ' < '.join(names), 'repeated': False}


name, do, secret = sys.argv[1:]
try:
    answer = {'value': CLIENTS[name](do, secret)}
except Exception as error:  # what is raised is what is asked for
    answer = told(error)
print(json.dumps(answer))
