import { invalid } from '../errors.ts'

/** The passwords most often found in leaks that are long enough to be tried here (ASVS 5.0 V6.2.4). */
const common = new Set(
  `password password1 password12 password123 passw0rd p@ssw0rd 12345678 123456789 1234567890 11111111 00000000 87654321
  qwertyui qwertyuiop qwerty123 qwerty12 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx q1w2e3r4 asdfghjkl asdfasdf iloveyou
  sunshine princess football baseball superman trustno1 welcome1 welcome123 letmein1 letmein123 admin123 admin1234
  administrator changeme changeme1 michelle jennifer computer internet whatever starwars dragon123 monkey123 master123
  abc12345 abcd1234 aa123456 a1b2c3d4 abcdefgh abcdefg1 12341234 12344321 123123123 123321123 66666666 88888888 99999999
  55555555 22222222 77777777 147258369 159753456 987654321 0987654321 789456123 secret123 test1234 testtest freedom1
  liverpool chelsea1 arsenal1 samsung1 corvette mercedes maverick hello123 charlie1 jordan23 pokemon1 spiderman
  batman123 elephant diamond1 butterfly chocolate basketball blink182 lovelove babygirl babygirl1 justin123 zxcvbnm1
  zxcvbnm123 asdf1234 qazwsxedc 1234qwer qwer1234 11223344 112233445566 12121212 10203040 13131313 101010101`
    .split(/\s+/)
    .filter(Boolean),
)

/** Length is the schema's; this refuses what everybody tries first, and the e-mail itself. */
export function checkPassword(path: string, password: string, email: string): void {
  const lower = password.toLowerCase()
  if (common.has(lower)) throw invalid(path, 'is one of the most common passwords; choose another')
  if (lower === email.toLowerCase()) throw invalid(path, 'must not be the e-mail')
}
