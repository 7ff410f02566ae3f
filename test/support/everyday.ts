/** Loaded before the tests of a tier: properties that do not say how often they run do so thirty times (runs.ts). */
import fc from 'fast-check';
import { runs } from './runs.ts';

fc.configureGlobal(runs(30));
