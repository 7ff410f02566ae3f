/** The parts of the reference that come from the program itself: verbs with their flags, and metrics. */
import { createProgram } from '../src/cli/command-line.ts';
import { CONTROLLER_METRICS, SPEAKER_METRICS } from '../src/platform/metric-names.ts';
import { table } from './markdown-table.ts';

/** One section a verb. */
export function commandSections(): string[] {
  return createProgram(() => undefined).commands.map((command) => {
    const rows = command.options.map(
      ({ flags, description, argChoices, defaultValue, defaultValueDescription, envVar }) => [
        `\`${flags}\``,
        argChoices === undefined ? description : `${description}: ${argChoices.join(', ')}`,
        defaultValue === undefined ? '' : `\`${defaultValueDescription ?? String(defaultValue)}\``,
        envVar === undefined ? '' : `\`${envVar}\``,
      ],
    );
    const flags = rows.length === 0 ? [] : [table(['Flag', 'What it does', 'Default', 'Environment'], rows)];
    return [`## cleat ${command.name()}`, `${command.description()}.`, ...flags].join('\n\n');
  });
}

/** Every metric once, with the programs that have it. */
export function metricsTable(): string {
  const programs = { controller: CONTROLLER_METRICS, speaker: SPEAKER_METRICS };
  const metrics = new Map(
    Object.values(programs).flatMap((list) => list.map((metric) => [metric.name, metric])),
  );
  const rows = [...metrics.values()].map(({ name, type, help, labels = [] }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    Object.entries(programs)
      .filter(([, list]) => list.some((metric) => metric.name === name))
      .map(([program]) => program)
      .join(', '),
    help,
  ]);
  return table(['Metric', 'Type', 'Labels', 'Of', 'What it counts'], rows);
}
