import type { Chance } from './chance.ts'

/** Invented names. Addresses end in .example, which belongs to nobody (RFC 2606), so that no mail can reach anybody. */

export type Named = { firstName: string; lastName: string; email: string }
export type NewFirm = { name: string; domain: string; owner: Named }

/** Names that try the screens: as long as they may be, right to left, of other scripts. */
const unusual: { name: string; domain: string; owner: [firstName: string, lastName: string, local: string] }[] = [
  { name: 'نسيم الوادي للبرمجيات', domain: 'nasim-alwadi.example', owner: ['ليلى', 'منصور', 'layla.mansour'] },
  { name: 'נחל כחול תוכנה', domain: 'nahal-kahol.example', owner: ['נועה', 'לוין', 'noa.levin'] },
  {
    name: 'The Consolidated Association of Provincial Lighthouse Keeper',
    domain: 'lighthouse-keeper.example',
    owner: ['Wilhelmina-Josephine', 'Featherstonehaugh-Cholmondeley', 'wilhelmina'],
  },
  { name: 'ミナト録画', domain: 'minato-rokuga.example', owner: ['葵', '佐々木', 'aoi.sasaki'] },
  { name: 'Söderøy & Żółw Kühltechnik', domain: 'soderoy.example', owner: ['Jörg', 'Żółtowski', 'joerg'] },
  { name: "O'Malley <b>&</b> Daughters", domain: 'omalley.example', owner: ['Siobhán', "O'Malley", 'siobhan'] },
  { name: 'X', domain: 'x-x.example', owner: ['Bo', 'Ek', 'bo.ek'] },
]

const firstNames =
  'Ada Alma Amir Anouk Arlo Asha Bela Bruno Carmen Cato Chidi Clara Dalia Davi Edda Elio Emre Esme Farid Fenna Gideon Greta Hana Hugo Ida Imani Ines Ivo Jonas Juno Kaia Kofi Lars Leona Levi Lila Luca Maeve Malik Marta Mateo Mira Nadia Nils Noor Odin Olga Omar Otto Petra Priya Quinn Rafa Ravi Rosa Runa Sami Selma Sena Silas Sofia Tariq Tess Theo Tova Uma Vera Viggo Wanda Xenia Yara Yusuf Zoe Zubin'.split(
    ' ',
  )
const lastNames =
  'Abara Adler Almeida Arslan Baptiste Berg Bianchi Borg Castell Chandra Costa Dahl Danso Dietrich Duarte Eriksen Falk Farrow Ferro Fontaine Galvan Grieg Haddad Halloran Hartig Holm Ibarra Iqbal Jansen Joshi Kallio Keane Kimura Kovac Lindqvist Lorenz Madaki Marchetti Mensah Moreau Nakata Nazari Novak Okafor Olsen Ortega Palmer Pascoe Quist Rahimi Reyes Rossi Saito Salo Sandoval Sharma Silva Sorensen Tanaka Tremblay Ueda Valdez Varga Vogel Wexler Winter Yamada Zeller'.split(
    ' ',
  )
const openings =
  'Amber Anchor Aspen Basalt Beacon Birch Blue Bright Brook Cedar Cinder Clover Cobalt Copper Coral Crane Delta Drift Ember Falcon Fern Flint Fox Garnet Glade Granite Harbor Hazel Heron Indigo Iron Ivory Juniper Kestrel Lantern Linden Lumen Maple Marble Meadow Mica North Oak Ochre Onyx Opal Orchard Otter Pebble Pine Plum Quartz Raven Reed River Saffron Sage Silver Slate Sparrow Spruce Stone Swift Tamarack Thistle Tidal Umber Velvet Walnut Willow Wren'.split(
    ' ',
  )
const endings = [
  ...'Analytics Apps Atelier Bank Bikes Books Cargo Clinic Coffee Commerce Diagnostics Energy Events Fitness Foods Freight Games Garden Health Homes Hotels Insurance Interactive Kitchen Labs Learning Logistics Loans Maps Media Mobility Music News Outdoors Parking Pay Pets Pharmacy Photo Rail Realty Recipes Robotics Schools Security Ski Sports Studio Systems Tickets Tours Toys Travel Tutors Weather Wellness Works'.split(
    ' ',
  ),
  'Health Group',
  '& Partners',
  'Software GmbH',
  'Holdings BV',
  'SARL',
  'Co-operative',
]

/** Makes up firms, each name once. */
export function createNames(chance: Chance) {
  const taken = new Set<string>()
  let made = 0

  function firm(): NewFirm {
    const special = made % 9 === 4 ? unusual[(made - 4) / 9] : undefined
    made += 1
    if (special) {
      const { name, domain, owner } = special
      return { name, domain, owner: { firstName: owner[0], lastName: owner[1], email: `${owner[2]}@${domain}` } }
    }
    for (;;) {
      const name = `${chance.pick(openings)} ${chance.pick(endings)}`
      if (taken.has(name)) continue
      taken.add(name)
      const domain = `${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.example`
      return { name, domain, owner: person(domain) }
    }
  }

  /** Somebody at a firm. Two of one name get addresses of their own. */
  function person(domain: string): Named {
    const [firstName, lastName] = [chance.pick(firstNames), chance.pick(lastNames)]
    const local = `${firstName}.${lastName}`.toLowerCase()
    let email = `${local}@${domain}`
    for (let again = 2; taken.has(email); again += 1) email = `${local}${again}@${domain}`
    taken.add(email)
    return { firstName, lastName, email }
  }

  return { firm, person }
}

export type Names = ReturnType<typeof createNames>
