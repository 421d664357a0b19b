/** Why not, as only the record and the log may say it: the one table. A caller cannot tell these apart. */
const REASONS = {
  // What policy and stores say.
  no_rule: 'no rule of policy allows it',
  rule_ended: 'the rule of policy that allowed it has ended',
  unknown_store: 'no configured store is meant',
  invalid_for_its_store: 'the store cannot have such a name',
  tags_unreadable: 'the store does not tell the tags that it has to ask for',
  not_tagged: 'the secret lacks a tag that its store asks for',
  store_cannot_write: 'the kind of store is not written to',
  store_cannot_list: 'the kind of store is not listed',
  unknown_bot: 'there is no such bot',
  unknown_provider: 'there is no such provider',
  no_bot_of_it: 'no bot that the client may use is of that provider',
  unknown_channel: 'there is no such channel',
  // What is wrong with a key, or with what is asked for by one.
  unreadable: 'it cannot be opened with any encryption key',
  environment: 'it is for another environment',
  not_in_force: 'it is expired, or issued in the future',
  other_network: 'it is used from an address that it is not bound to',
  revoked: 'it is revoked, or a key that it descends from with all that it issued',
  other_environment: 'a key is issued for the environment of the service alone',
  wider_networks: 'a key issues none for networks that it may not be used from itself',
  issued_too_deep: 'too many keys stand between it and the first one',
  admin_write_off: 'ALLOW_ADMIN_WRITE is off',
  // What is wrong with a workload's token, or with what is asked for by one.
  token_malformed:
    'it is no signed token in the one spelling that is taken, says something twice, or is too long',
  token_algorithm: 'it is signed in a way that its trust does not take',
  token_without_kid: 'it does not name the key that it is signed with',
  token_unknown_key: 'its issuer publishes no key of that name for such tokens',
  token_signature: 'its signature is not that of the key that it names',
  token_issuer: 'it is of another issuer than its trust',
  token_audience: 'it is for another audience than its trust',
  token_incomplete: 'it lacks a claim that is demanded, or has one of another type',
  token_not_in_force: 'it is expired, or not in force yet',
  token_too_old: 'it was issued longer ago than its trust takes',
  token_not_bound: 'a claim that its trust binds is absent or another one',
  token_contradicts: 'its subject and its other claims name different accounts',
  token_reviewed_out: 'the API server does not take it, or not for this',
  unknown_issuer: 'no trust is of its issuer',
  unknown_trust: 'the trust that was named is not there, or not of its issuer',
  several_trusts: 'several trusts take it, and none was named',
  // What is wrong with the signature of a request, or with what it asks for, in the dialect of AWS.
  signature_incomplete: 'its signature does not cover what it has to, or is none',
  signature_stale: 'its signature is of another time: one of the clocks is wrong',
  signature_wrong: 'its signature is not that of the key, or of another request',
  signature_other_key: 'its access key id is not that of the key',
  unknown_operation: 'there is no such operation here',
  // What is wrong with a session, or with a request that brings its cookie.
  unreadable_session: 'it is no session that this service opened, or JWT_SECRET has changed',
  signed_out: 'it was ended by a sign-out, or by signing in again, or once more',
  other_platform: 'its key asks for a newer platform',
  foreign_page: 'a page of another site sent it',
  no_page: 'no browser says which page sent it',
  no_csrf_token: 'it lacks the token of the session',
  not_listed: '`administrators:` does not list it, or not as it was signed in',
  other_browser: 'no sign-in was begun in that browser, or another one',
  other_issuer: 'it comes from another provider than the one that was asked',
  provider_refused: 'the provider refused, or the person did',
  code_refused: 'the provider does not take the code that came back',
  no_id_token: 'the provider gives no ID token for this sign-in that proves anything',
  email_unverified: 'the provider does not say that the e-mail is verified',
  other_domain: 'the account is of another domain than the configured one',
  other_subject: 'the e-mail is listed with another subject of the issuer',
  other_user: 'another user has signed in once more than the one of the session',
  not_signed_in_anew: 'the provider does not say that the person has signed in since it was asked',
  email_not_listed: 'the e-mail is not among those that may sign in',
  other_key: 'it is another key than the one that was signed in with',
  not_reauthenticated: 'whoever is signed in has not signed in once more, or too long ago',
  no_codes: 'codes sign in nobody here, or somebody else: the quickstart that gave it has ended',
  other_code: 'it is not the code of the quickstart, or too many wrong ones were tried',
  not_here: 'codes are for browsers of this machine, and it comes from elsewhere',
  sessions_off: 'JWT_SECRET is not set',
  // What is wrong with a sealed state.
  other_client: 'it was sealed for another client',
  other_binding: 'it is bound to something else',
  expired: 'its time is over',
  used: 'it was taken before',
  // Why somebody who watched is told no more.
  right_lost: 'the client may not read it any more',
  key_lost: 'the key is not accepted any more',
  // What is wrong with a notification.
  unproven: 'it proves nothing',
  forged: 'its proof is not accepted',
  foreign_topic: 'it is of a topic that is not configured',
  foreign_certificate: 'its certificate is not at the place of AWS',
  foreign_subscribe_url: 'it would be confirmed at a foreign place',
  foreign_origin: 'it asks on behalf of a foreign origin',
  // What a proxy said of the request in front of it.
  no_scope: 'no scope is named, too many are, or one is none',
  told_twice: 'a header says two things',
  path_override: 'a header names another path than the one that is served',
  ambiguous_uri: 'the path can be read in several ways',
  contradiction: 'headers contradict each other',
  method_override: 'a header names another method than the one that is served',
  no_method: 'the method is not said'
} as const

export type Reason = keyof typeof REASONS

declare const told: unique symbol
/** Words of ours that no table can hold, as the scopes that were asked for. */
export type ReasonText = string & { readonly [told]: true }

export const reasonText = (text: string): ReasonText => text as ReasonText
