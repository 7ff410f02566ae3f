/** What the demo prints: each step's commands with their real output, what was expected and seen, and the closing table. */
import { styleText } from 'node:util';
import type { Answer } from '../../test/support/lab.ts';

interface Check {
  readonly step: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
}

export class Report {
  readonly #checks: Check[] = [];
  #step = '';

  /** Begins a step: `1 of 7`, and what it shows. */
  step(number: number, title: string): void {
    this.#step = String(number);
    console.log(`\n${style('bold', `── ${number}  ${title} `.padEnd(78, '─'))}`);
  }

  /** Something the lab did that is no command. */
  note(text: string): void {
    console.log(style('dim', `# ${text}`));
  }

  /** A command and all that it wrote, its exit code too where it is not 0. */
  command(line: string, answer: Answer): void {
    console.log(style('cyan', `$ ${line}`));
    const written = `${answer.stdout}${answer.stderr}`.trimEnd();
    if (written !== '') console.log(indent(written));
    if (answer.code !== 0) console.log(indent(`(exit code ${answer.code})`));
  }

  /** A file as it is. */
  file(name: string, text: string): void {
    console.log(style('cyan', `$ cat ${name}`));
    console.log(indent(text.trimEnd()));
  }

  /** One line: expected, seen, ok or not. */
  check(expected: string, seen: string, ok: boolean): void {
    this.#checks.push({ step: this.#step, expected, seen, ok });
    console.log(`expected ${expected}, seen ${seen}, ${verdict(ok)}`);
  }

  /** The closing table; true where everything was as expected. */
  close(): boolean {
    const rows = [
      ['STEP', 'EXPECTED', 'SEEN', ''],
      ...this.#checks.map(({ step, expected, seen, ok }) => [step, expected, seen, ok ? 'ok' : 'NOT OK']),
    ];
    const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    console.log('');
    for (const [index, row] of rows.entries()) {
      const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
      const line = cells.join('   ').trimEnd();
      console.log(index === 0 ? style('bold', line) : line);
    }
    const failed = this.#checks.filter(({ ok }) => !ok).length;
    const all = this.#checks.length;
    console.log(
      `\n${all - failed} of ${all} as expected${failed === 0 ? '' : `, ${style('red', `${failed} not`)}`}`,
    );
    return failed === 0 && all > 0;
  }
}

function verdict(ok: boolean): string {
  return ok ? style('green', 'ok') : style('red', 'NOT OK');
}

/** Colour on a terminal only (styleText looks at the stream and at NO_COLOR). */
function style(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
