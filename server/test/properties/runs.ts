import fc from 'fast-check'

/**
 * How often properties are tried, and how one that failed is tried again. A failure prints its seed and its path:
 *
 *   FREEHOLD_SEED=1234 FREEHOLD_PATH=12:0:3 vitest run server/test/properties/model.test.ts -t 'the name of the test'
 *
 * repeats it, shrunk as far as it was. Every run of the suite tries the same ones, so that it fails for what was changed;
 * PROPERTY_RUNS=500 looks for others, that many of each property.
 */
const { PROPERTY_RUNS, FREEHOLD_SEED, FREEHOLD_PATH } = process.env

fc.configureGlobal({
  ...(PROPERTY_RUNS === undefined ? {} : { numRuns: Number(PROPERTY_RUNS) }),
  ...(PROPERTY_RUNS === undefined || FREEHOLD_SEED !== undefined ? { seed: Number(FREEHOLD_SEED ?? 20_261_124) } : {}),
  ...(FREEHOLD_PATH === undefined ? {} : { path: FREEHOLD_PATH }),
})

/** For properties that take long: fewer, unless told otherwise. */
export const runs = (count: number): { numRuns: number } => ({
  numRuns: PROPERTY_RUNS === undefined ? count : Number(PROPERTY_RUNS),
})

/** Long enough for that many; a machine may be busy with other things. */
export const patience = (count: number, millisecondsEach: number): number =>
  60_000 + runs(count).numRuns * millisecondsEach
