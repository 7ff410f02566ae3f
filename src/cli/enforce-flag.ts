/** How far the gate goes. */
import { Option } from 'commander';

export const enforceFlag = (): Option =>
  new Option(
    '--enforce <level>',
    'how far the gate goes where a namespace has no label cleat.dev/enforce: refuse, only warn, or only tell the audit log',
  )
    .choices(['deny', 'warn', 'audit'])
    .default('deny');
