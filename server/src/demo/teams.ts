import { createApiKey, revokeApiKey, rotateApiKey } from '../api-keys/api-keys.ts'
import { revokeInvitation } from '../invitations/invitations.ts'
import { changeMember } from '../members/members.ts'
import { accept, fenced, heldBy, hold, invite, unlessRefused, type Firm, type Person } from './deeds.ts'
import { featuresOf, included } from './offers.ts'
import type { Play, Player } from './play.ts'

/** How a business grows: people, items it holds, keys. */
export function growTeam(play: Play, player: Player): void {
  const { ctx, on } = play
  const { firm, life, chance, since } = player
  const spread = life.pays ? 150 : 40
  for (let number = 1; number < life.people; number += 1) on(since + chance.whole(1, spread), () => bring(play, player))

  for (const feature of featuresOf(ctx.product, 'allocated')) {
    const plan = (life.pays ? player.paid?.plan : undefined) ?? ctx.product.signup.plan
    const items = Math.max(1, Math.round(Math.min(20, included(ctx.product, plan, feature)) * life.items))
    for (let number = 0; number < items; number += 1) {
      on(since + (number === 0 ? 0 : chance.whole(2, spread)), () => hold(ctx, firm, feature, itemName(number)), 20.5)
    }
  }

  if (!life.pays) return
  for (const type of Object.keys(ctx.product.keys)) {
    if (!ctx.product.signup.keys.includes(type) && chance.happens(0.6)) {
      on(since + chance.whole(15, 90), () => makeKey(play, firm, type, chance.pick(keyNames)))
    }
  }
  if (chance.happens(0.3)) on(since + chance.whole(60, 200), () => rotate(play, firm))
}

const itemNames = ['android', 'ios', 'web', 'kiosk', 'tablet', 'beta', 'staging', 'partner', 'tv', 'watch']
const itemName = (number: number) => itemNames[number] ?? `app-${number + 1}`
const keyNames = ['Nightly export', 'Data warehouse', 'Backend', 'Staging', 'CI']

/** Invites a colleague, who mostly comes. */
export async function bring(
  play: Play,
  { firm, chance }: Player,
  wanted?: { role: string; comes: number },
): Promise<void> {
  const { ctx, on, names, passwordHash, today: todayIs } = play
  const roles = Object.keys(ctx.permissions.roles).filter((role) => role !== 'owner')
  const { role, comes } = wanted ?? { role: chance.happens(0.2) ? 'admin' : chance.pick(roles), comes: 0.78 }
  const named = names.person(firm.domain)
  const invitation = await unlessRefused(invite(ctx, firm, firm.owner, named.email, role))
  if (!invitation) return
  const today = todayIs()
  if (chance.happens(comes)) {
    on(today + chance.whole(0, 5), () => unlessRefused(accept(ctx, firm, named, passwordHash)), 21)
  } else if (chance.happens(0.3)) {
    on(today + chance.whole(1, 4), () => takeBack(play, firm, invitation.id))
  }
}

export const takeBack = ({ ctx }: Play, firm: Firm, invitationId: string) =>
  unlessRefused(fenced(ctx, firm, (tx) => revokeInvitation(tx, ctx, firm.owner.actor, firm.id, invitationId)))

export async function makeKey({ ctx }: Play, firm: Firm, type: string, name: string) {
  const { owner } = firm
  return unlessRefused(
    fenced(ctx, firm, (tx) => createApiKey(tx, ctx, owner.actor, heldBy(ctx, owner), firm.id, { name, type })),
  )
}

export const dropKey = ({ ctx }: Play, firm: Firm, keyId: string) =>
  unlessRefused(fenced(ctx, firm, (tx) => revokeApiKey(tx, ctx, firm.owner.actor, firm.id, keyId)))

const weekSeconds = 7 * 86_400

export const suspendMember = ({ ctx }: Play, firm: Firm, { memberId }: Person) =>
  fenced(ctx, firm, (tx) =>
    changeMember(tx, ctx, firm.owner.actor, heldBy(ctx, firm.owner), firm.id, memberId, { suspended: true }),
  )

/** Makes the next of the key that it counts with; the old one works for another week. */
export async function rotate({ ctx }: Play, firm: Firm): Promise<void> {
  const { owner, keys } = firm
  const old = keys.at(-1)
  if (!old) return
  const next = await unlessRefused(
    fenced(ctx, firm, (tx) => rotateApiKey(tx, ctx, owner.actor, heldBy(ctx, owner), firm.id, old.id, weekSeconds)),
  )
  if (next) firm.keys = [{ id: next.apiKey.id, type: old.type, key: next.key }]
}
