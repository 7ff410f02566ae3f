/**
 * An error the person at the keyboard can mend: a flag, a file, a port, a missing tool. The message is one sentence that
 * names the thing and the remedy; the command line prints it without a stack and ends with exit code 2. Everything else
 * that is thrown is a bug or an I/O failure.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}
