"""Writes test/unit/vectors/sigv4.json: requests of Secrets Manager as botocore signs them, with made-up credentials.

Run by hand after a change: .peers/python/bin/python test/support/sigv4-vectors.py > test/unit/vectors/sigv4.json && npx biome check --write test/unit/vectors
"""
import datetime
import json
from unittest import mock

import botocore
from botocore import auth, awsrequest, credentials

AT = datetime.datetime(2026, 12, 1, 6, 35, 16, tzinfo=datetime.timezone.utc)
SECRET = 'Zm9yIHRlc3RzIGFsb25lLCBub3QgYSBzZWNyZXQgb2Y'
JSON_TYPE = 'application/x-amz-json-1.1'
GET = 'secretsmanager.GetSecretValue'

CASES = [
    ('a read', 'eu-west-1', 'http://127.0.0.1:4566/', GET, '{"SecretId": "app/db"}', 'purser_dev_a..b.c.d', {}),
    ('another region', 'us-gov-west-1', 'https://purser.example/', GET, '{"SecretId": "app/db"}', 'purser_dev_a..b.c.d', {}),
    ('a port that is the default', 'eu-west-1', 'https://purser.example:443/', GET, '{}', 'purser_dev_a..b.c.d', {}),
    ('characters beyond ASCII in the body', 'eu-west-1', 'http://127.0.0.1:4566/', 'secretsmanager.PutSecretValue',
     json.dumps({'SecretId': 'app/db', 'SecretString': 'grüße ☃'}, ensure_ascii=False), 'purser_dev_a..b.c.d', {}),
    ('a long token', 'eu-west-1', 'http://127.0.0.1:4566/', GET, '{"SecretId": "app/db"}', 'purser_dev_' + 'a' * 2000, {}),
    ('blanks in a header', 'eu-west-1', 'http://127.0.0.1:4566/', GET, '{"SecretId": "app/db"}', 'purser_dev_a..b.c.d',
     {'X-Amz-Meta': '  one   two  '}),
    ('no session token', 'eu-west-1', 'http://127.0.0.1:4566/', GET, '{"SecretId": "app/db"}', None, {}),
    ('an empty body', 'eu-west-1', 'http://127.0.0.1:4566/', 'secretsmanager.ListSecrets', '', 'purser_dev_a..b.c.d', {}),
]


def case(name, region, url, target, body, token, more):
    headers = {'Content-Type': JSON_TYPE, 'X-Amz-Target': target, **more}
    request = awsrequest.AWSRequest(method='POST', url=url, data=body.encode(), headers=headers)
    signer = auth.SigV4Auth(credentials.Credentials('PSR0123456789ABCDEF', SECRET, token), 'secretsmanager', region)
    # Both spellings of the clock, of older and newer botocore.
    with mock.patch.object(auth, 'get_current_datetime', return_value=AT.replace(tzinfo=None), create=True):
        signer.add_auth(request)
    host = auth._host_from_url(url) if hasattr(auth, '_host_from_url') else signer._canonical_host(url)
    return {
        'name': name,
        'body': body,
        'headers': [['Host', host]] + [[key, value] for key, value in request.headers.items()],
    }


print(json.dumps({
    'madeBy': f'botocore {botocore.__version__}, by test/support/sigv4-vectors.py',
    'secret': SECRET,
    'at': AT.isoformat().replace('+00:00', '.000Z'),
    'requests': [case(*one) for one in CASES],
}, indent=2, ensure_ascii=False))
