/**
 * Every way Freehold says no: code → HTTP status and title. Answers are RFC 9457 problem details; `code` is stable and
 * meant for programs, `detail` for people.
 */
export const errors = {
  malformed_request: [400, 'The request is not valid HTTP'],
  invalid_json: [400, 'The body is not valid JSON'],
  unauthenticated: [401, 'Sign in or send a valid key'],
  invalid_credentials: [401, 'E-mail or password is wrong'],
  invalid_code: [401, 'The code is wrong or has expired'],
  social_sign_in_failed: [401, 'The provider did not confirm who you are'],
  subscription_inactive: [402, 'The subscription does not allow this now'],
  feature_unavailable: [402, 'The plan does not include this feature'],
  limit_reached: [402, 'The limit of this feature is reached'],
  permission_denied: [403, 'Not allowed'],
  business_not_open: [403, 'The business is suspended or closed'],
  signup_closed: [403, 'Sign-up is not open'],
  email_unverified: [403, 'The provider has not verified the e-mail'],
  account_unverified: [403, 'The account’s own e-mail was never confirmed'],
  origin_refused: [403, 'The request comes from a foreign page'],
  support_access_refused: [403, 'The customer has switched support access off'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'The method is not allowed here'],
  conflict: [409, 'The change conflicts with another one'],
  email_taken: [409, 'The e-mail belongs to a user already'],
  external_id_taken: [409, 'The external id is in use'],
  already_member: [409, 'Already a member'],
  already_invited: [409, 'An invitation is pending for this e-mail'],
  invitation_accepted: [409, 'The invitation has been accepted'],
  last_owner: [409, 'The last owner has to stay'],
  key_revoked: [409, 'The key is revoked'],
  business_closed: [409, 'The business is closed'],
  reopening_expired: [409, 'The time to reopen the business has passed'],
  subscription_ended: [409, 'The subscription has ended'],
  trial_already_used: [409, 'The trial has been used'],
  payment_overdue: [409, 'A payment is overdue'],
  pending_change_exists: [409, 'Another plan change is pending'],
  plan_archived: [409, 'The plan is archived'],
  currency_mismatch: [409, 'The plan is sold in another currency'],
  no_scheduled_cancellation: [409, 'No cancellation is scheduled'],
  cannot_pause: [409, 'The subscription cannot be paused now'],
  not_paused: [409, 'The subscription is not paused'],
  stale_subscription: [409, 'The subscription has changed meanwhile'],
  downgrade_does_not_fit: [409, 'What is in use does not fit the plan'],
  invoice_not_open: [409, 'The invoice is not open'],
  payment_reference_used: [409, 'The reference was recorded for another payment'],
  support_session_ended: [409, 'The support session has ended'],
  reservation_closed: [409, 'The reservation is closed'],
  idempotency_in_progress: [409, 'A request with this idempotency key is still running'],
  invalid_token: [410, 'The link is not valid any more'],
  invitation_expired: [410, 'The invitation has expired'],
  invitation_revoked: [410, 'The invitation has been revoked'],
  payload_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'Send application/json'],
  invalid_request: [422, 'The request is not valid'],
  unknown_plan: [422, 'There is no such plan'],
  usage_too_old: [422, 'The usage is too old to be counted'],
  usage_in_future: [422, 'The usage lies in the future'],
  idempotency_key_reused: [422, 'The idempotency key was used for another request'],
  rate_limited: [429, 'Too many requests'],
  internal_error: [500, 'Something went wrong on our side'],
  busy: [503, 'Busy, try again'],
  unavailable: [503, 'The service is not available now'],
} as const satisfies Record<string, readonly [status: number, title: string]>

/** The stable codes of every refusal. */
export type ErrorCode = keyof typeof errors

/** Where a request is wrong: a JSON pointer-like path and what to do. */
export type FieldError = { path: string; message: string }

/** A refusal: thrown by any feature, answered as problem+json by the HTTP layer, `{ ok: false, problem }` by the library. */
export class FreeholdError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly title: string
  readonly errors: FieldError[] | undefined
  readonly retryAfterSeconds: number | undefined
  /** Further members of the problem, such as the limit and when it resets. */
  readonly extensions: Record<string, unknown> | undefined

  constructor(
    code: ErrorCode,
    detail?: string,
    more: {
      errors?: FieldError[]
      retryAfterSeconds?: number
      extensions?: Record<string, unknown>
      cause?: unknown
    } = {},
  ) {
    const [status, title] = errors[code]
    super(detail ?? title, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'FreeholdError'
    this.code = code
    this.status = status
    this.title = title
    this.errors = more.errors
    this.retryAfterSeconds = more.retryAfterSeconds
    this.extensions = more.extensions
  }
}

/** An `invalid_request` about one field. */
export const invalid = (path: string, message: string) =>
  new FreeholdError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] })
