import { decide, invite, signInOn, unlessRefused } from './deeds.ts'
import type { Life } from './lives.ts'
import type { Named } from './names.ts'
import type { Play, Player } from './play.ts'
import * as deeds from './staff-deeds.ts'
import { bring, dropKey, makeKey, rotate, suspendMember, takeBack } from './teams.ts'

/** The business that whoever tries the portal signs in to: it has something on every screen. */

export const ownerEmail = 'owner@demo.example'

export const showcase: { firm: { name: string; domain: string; owner: Named }; life: Life } = {
  firm: {
    name: 'Halcyon Instruments',
    domain: 'demo.example',
    owner: { firstName: 'Olivia', lastName: 'Hartmann', email: ownerEmail },
  },
  life: {
    // Bought so that today the cycle is nearly over: most of what is included is used.
    moves: [
      { day: 0, move: 'try' },
      { day: 4, move: 'buy' },
    ],
    appetite: 0.95,
    pays: true,
    fades: null,
    payment: 'promptly',
    people: 1,
    items: 0.7,
  },
}

export function playShowcase(play: Play, player: Player): void {
  const { ctx, crew, on, size } = play
  const { firm, chance, paid, yearly } = player
  const last = size.days
  const { owner } = firm
  const roles = Object.keys(ctx.permissions.roles).filter((role) => role !== 'owner')
  for (const [number, role] of [...roles, 'admin', 'member'].entries()) {
    on(player.since + 9 + number * 11, () => bring(play, player, { role, comes: 1 }))
  }
  on(last - 15, async () => {
    const colleague = firm.people.at(-1)
    if (colleague && colleague !== owner) await suspendMember(play, firm, colleague)
  })
  on(last - 5, () => signInOn(ctx, owner, 0))
  on(last - 1, () => signInOn(ctx, owner, 3))

  const ask = (day: number, local: string, role: string, then?: (id: string) => void) =>
    on(day, async () => {
      const invitation = await unlessRefused(invite(ctx, firm, owner, `${local}@${firm.domain}`, role))
      if (invitation) then?.(invitation.id)
    })
  ask(last - 40, 'intern', 'member')
  ask(last - 21, 'agency', 'admin', (id) => on(last - 20, () => takeBack(play, firm, id)))
  ask(last - 2, 'marisol.vega', 'member')

  for (const [number, type] of Object.keys(ctx.product.keys).entries()) {
    on(last - 120 - number, () => makeKey(play, firm, type, 'Staging'))
    on(last - 80 - number, async () => {
      const old = await makeKey(play, firm, type, 'Old build server')
      if (old) on(last - 30, () => dropKey(play, firm, old.apiKey.id))
    })
  }
  on(last - 3, () => rotate(play, firm))

  if (!paid) return
  const help = { ctx, chance, firm, offer: paid }
  const [sam, rhea] = [
    { ...help, staff: crew.sam },
    { ...help, staff: crew.rhea },
  ]
  on(last - 70, async () => {
    const id = await deeds.lookInto(rhea, 30)
    if (id !== undefined) play.soon(12, () => deeds.lookAway(rhea, id))
  })
  on(last - 12, () => deeds.lookInto(sam, 45, 'write'))
  on(last - 60, () => deeds.giveCredit(rhea))
  on(last - 50, () => deeds.liftLimit(rhea, 120))
  on(last - 6, () => deeds.giveUnits(sam, 12))
  on(last, () => deeds.lookInto(sam, 240), 23.5)
  // Waits for its payment: an invoice that is open.
  if (yearly) on(last, () => decide(ctx, firm, 'yearly', { start: paid, paid, yearly }), 22)
}
