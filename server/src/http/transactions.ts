import type { FastifyRequest } from 'fastify'
import type { Tx } from '../db/open.ts'
import * as transactions from '../db/transactions.ts'
import { idempotently } from './idempotency.ts'
import { businessOf } from './request.ts'

/**
 * The transaction of a request. Its result is the answer; with an `Idempotency-Key` the answer is stored in the same
 * transaction, so that effect and record exist together or not at all.
 */
export function withinBusiness<T>(request: FastifyRequest, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { ctx } = request.freehold
  const business = businessOf(request)
  return transactions.withinBusiness(ctx.db, business.id, (tx) => idempotently(tx, request, work))
}

export function acrossBusinesses<T>(request: FastifyRequest, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { ctx } = request.freehold
  return transactions.acrossBusinesses(ctx.db, (tx) => idempotently(tx, request, work))
}
