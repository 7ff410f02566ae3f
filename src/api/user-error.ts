/**
 * A fault outside the program that a person can put right: a missing capability, a port already taken, an unreadable file.
 * The message is one sentence that names the thing and the remedy; the command line prints it alone and exits with code 2.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}
