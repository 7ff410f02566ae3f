/** Every case of the contract, in the order in which they run. */
import type { Case } from '../world.ts';
import { ADMISSION } from './admission.ts';
import { APPLYING } from './apply.ts';
import { AROUND } from './around.ts';
import { CLIENT } from './client.ts';
import { CUSTOM } from './custom.ts';
import { RULES } from './rules.ts';
import { DELETING } from './deleting.ts';
import { OWN_KINDS } from './own-kinds.ts';
import { PATCHES } from './patches.ts';
import { SERVICE_CASES } from './services.ts';
import { TABLES } from './tables.ts';
import { WATCHING } from './watching.ts';
import { WRITING } from './writing.ts';

export const ALL_CASES: readonly Case[] = [
  ...WRITING,
  ...PATCHES,
  ...APPLYING,
  ...SERVICE_CASES,
  ...WATCHING,
  ...DELETING,
  ...CUSTOM,
  ...RULES,
  ...OWN_KINDS,
  ...TABLES,
  ...AROUND,
  ...ADMISSION,
  ...CLIENT,
];
