import { expect, test } from 'vitest'
import { operationId } from './operation-id.ts'

test.each([
  ['GET', '/v1/businesses/:businessId', 'getBusiness'],
  ['POST', '/v1/businesses', 'createBusiness'],
  ['GET', '/v1/businesses/:businessId/members', 'listMembers'],
  ['PATCH', '/v1/businesses/:businessId/members/:memberId', 'updateMember'],
  ['DELETE', '/v1/businesses/:businessId/api-keys/:id', 'deleteApiKey'],
  ['POST', '/v1/businesses/:businessId/invitations/:id/resend', 'resendInvitation'],
  ['PUT', '/v1/businesses/:businessId/subscription/plan', 'setSubscriptionPlan'],
  ['GET', '/v1/businesses/:businessId/support-access', 'getSupportAccess'],
  ['POST', '/v1/businesses/:businessId/reopening', 'reopenBusiness'],
  ['POST', '/v1/login', 'login'],
  ['POST', '/v1/login/two-factor', 'loginTwoFactor'],
  ['POST', '/v1/reservations/:id/confirm', 'confirmReservation'],
  ['GET', '/v1/me', 'getMe'],
  ['GET', '/v1/me/sessions', 'listMySessions'],
  ['GET', '/v1/staff/businesses', 'listStaffBusinesses'],
  ['PUT', '/v1/staff/businesses/:id/plan', 'setStaffBusinessPlan'],
])('%s %s is %s', (method, url, name) => {
  expect(operationId(method, url)).toBe(name)
})
