/** The same call in several languages, complete: what is pasted runs. */
export function snippets(url: string, key: string, body: object): { language: string; code: string }[] {
  const json = JSON.stringify(body)
  return [
    {
      language: 'curl',
      code: [
        `curl ${url}`,
        `-H 'authorization: Bearer ${key}'`,
        `-H 'content-type: application/json'`,
        `-d '${json}'`,
      ].join(' \\\n  '),
    },
    {
      language: 'JavaScript',
      code: [
        `const answer = await fetch('${url}', {`,
        `  method: 'POST',`,
        `  headers: { authorization: 'Bearer ${key}', 'content-type': 'application/json' },`,
        `  body: JSON.stringify(${json}),`,
        `})`,
        `console.log(await answer.json())`,
      ].join('\n'),
    },
    {
      language: 'Python',
      code: [
        `import json, urllib.request`,
        ``,
        `request = urllib.request.Request(`,
        `    '${url}',`,
        `    data=json.dumps(${json}).encode(),`,
        `    headers={'authorization': 'Bearer ${key}', 'content-type': 'application/json'},`,
        `)`,
        `print(json.load(urllib.request.urlopen(request)))`,
      ].join('\n'),
    },
    {
      language: 'Go',
      code: [
        `package main`,
        ``,
        `import ("fmt"; "io"; "net/http"; "strings")`,
        ``,
        `func main() {`,
        `	request, _ := http.NewRequest("POST", "${url}", strings.NewReader(\`${json}\`))`,
        `	request.Header.Set("authorization", "Bearer ${key}")`,
        `	request.Header.Set("content-type", "application/json")`,
        `	answer, err := http.DefaultClient.Do(request)`,
        `	if err != nil {`,
        `		panic(err)`,
        `	}`,
        `	body, _ := io.ReadAll(answer.Body)`,
        `	fmt.Println(string(body))`,
        `}`,
      ].join('\n'),
    },
  ]
}
