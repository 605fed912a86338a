package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// curlVersion is the version whose words and options these are.
const curlVersion = "8.14.1"

// curlOptions has for each option of curl what follows it; an option that is not here is
// refused, not taken silently for something else.
const curlOptions = `
	s,silent S,show-error k,insecure i,include I,head f,fail L,location N,no-buffer v,verbose
	g,globoff G,get q,disable O,remote-name #,progress-bar 4,ipv4
	,fail-with-body ,http1.1 ,http2 ,no-progress-meter ,compressed ,path-as-is ,tlsv1.2 ,tlsv1.3
	,location-trusted ,no-keepalive
	X,request= H,header= d,data= o,output= w,write-out= m,max-time= E,cert= u,user=
	A,user-agent= e,referer= D,dump-header= ,data-ascii= ,data-binary= ,data-raw=
	,data-urlencode= ,json= ,connect-timeout= ,cacert= ,key= ,resolve= ,connect-to=
	,unix-socket= ,url= ,url-query= ,noproxy= ,max-redirs= ,oauth2-bearer= ,tls-max=`

// curlOperation is what curl does up to --next: some URLs, with the same options.
type curlOperation struct {
	flags   map[string]bool
	values  map[string]string
	headers []string
	// data is what is sent, hasData that something is, though it may be empty.
	data            []byte
	hasData, isJSON bool
	// query is what --url-query adds to each URL.
	query         string
	urls, outputs []string
	resolves      []string
	connectTos    []string
}

// curlError is an error of curl by its number.
type curlError struct {
	code int
	text string
}

func (e *curlError) Error() string { return e.text }

func failure(code int, format string, values ...any) *curlError {
	return &curlError{code, fmt.Sprintf(format, values...)}
}

// curl transfers what URLs name, by HTTP.
func curl(ctx context.Context, p *Process) int {
	process := *p
	if guarded, is := p.Stdout.(*guardedWriter); is {
		// Curl itself says that nobody reads its output.
		process.Stdout = guarded.Writer
	}
	c := &curlRun{Process: &process, ctx: ctx, stdin: &input{Reader: p.Stdin, ctx: ctx}}
	if len(p.Args) == 2 && (p.Args[1] == "-V" || p.Args[1] == "--version") {
		fmt.Fprintf(p.Stdout, "curl %s (%s) Go's net/http\nProtocols: http https\n"+
			"Features: HTTP2 SSL UnixSockets\n", curlVersion, "wasm")
		return 0
	}
	operations, err := c.parse()
	if err != nil {
		fmt.Fprintf(p.Stderr, "curl: %s\n", err.text)
		if err.code == 2 {
			fmt.Fprintln(p.Stderr, "curl: try 'curl --help' for more information")
		}
		return err.code
	}
	code := 0
	for _, operation := range operations {
		code = c.operate(operation)
	}
	return code
}

// curlRun is curl while it runs.
type curlRun struct {
	*Process
	ctx   context.Context
	stdin io.Reader
}

// parse takes the command line apart.
func (c *curlRun) parse() ([]*curlOperation, *curlError) {
	names, valued := map[string]string{}, map[string]bool{}
	for _, entry := range strings.Fields(curlOptions) {
		entry, hasValue := strings.CutSuffix(entry, "=")
		letter, word, _ := strings.Cut(entry, ",")
		if letter != "" {
			names["-"+letter] = word
		}
		names["--"+word], valued[word] = word, hasValue
	}
	current := newOperation()
	operations := []*curlOperation{current}
	words := c.Args[1:]
	set := func(option, value string) *curlError {
		name := names[option]
		switch {
		case valued[name]:
			return c.set(current, option, name, value)
		default:
			current.flags[name] = true
		}
		return nil
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		value := func(option string) (string, *curlError) {
			if len(words) == 0 {
				return "", failure(2, "option %s: requires parameter", option)
			}
			next := words[0]
			words = words[1:]
			return next, nil
		}
		var err *curlError
		switch {
		case word == "--next" || word == "-:":
			if len(current.urls) == 0 {
				return nil, failure(2, "missing URL before --next")
			}
			current = newOperation()
			operations = append(operations, current)
		case strings.HasPrefix(word, "--"):
			positive, isNegated := strings.CutPrefix(word, "--no-")
			switch name, isKnown := names[word]; {
			case isKnown && valued[name]:
				text, missing := value(word)
				if err = missing; err == nil {
					err = set(word, text)
				}
			case isKnown:
				err = set(word, "")
			case isNegated && names["--"+positive] != "" && !valued[positive]:
				current.flags[positive] = false
			default:
				err = failure(2, "option %s: is unknown", word)
			}
		case len(word) > 1 && word[0] == '-':
			for i := 1; i < len(word) && err == nil; i++ {
				option := "-" + word[i:i+1]
				name, isKnown := names[option]
				switch {
				case !isKnown:
					err = failure(2, "option %s: is unknown", word)
				case valued[name]:
					text := word[i+1:]
					if text == "" {
						text, err = value(option)
					}
					if err == nil {
						err = set(option, text)
					}
					i = len(word)
				default:
					err = set(option, "")
				}
			}
		default:
			current.urls = append(current.urls, word)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(current.urls) == 0 {
		return nil, failure(2, "(2) no URL specified")
	}
	return operations, nil
}

func newOperation() *curlOperation {
	return &curlOperation{
		flags: map[string]bool{}, values: map[string]string{}, data: []byte{},
	}
}

// set keeps the value of an option.
func (c *curlRun) set(o *curlOperation, option, name, value string) *curlError {
	switch name {
	case "url":
		o.urls = append(o.urls, value)
	case "output":
		o.outputs = append(o.outputs, value)
	case "resolve":
		o.resolves = append(o.resolves, value)
	case "connect-to":
		o.connectTos = append(o.connectTos, value)
	case "header":
		return c.addHeaders(o, option, value)
	case "url-query":
		return c.addQuery(o, option, value)
	case "data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json":
		return c.addData(o, option, name, value)
	case "max-time", "connect-timeout":
		if seconds, err := strconv.ParseFloat(value, 64); err != nil || seconds < 0 {
			return failure(2, "option %s: expected a proper numerical parameter", option)
		}
		o.values[name] = value
	case "tls-max":
		if value != "1.2" && value != "1.3" && value != "default" {
			return failure(2, "option %s: is badly used here", option)
		}
		o.values[name] = value
	case "write-out":
		if file, isFile := strings.CutPrefix(value, "@"); isFile {
			text, err := c.readData(file)
			if err != nil {
				return failure(26, "Failed to open %s", file)
			}
			value = string(text)
		}
		o.values[name] = value
	default:
		o.values[name] = value
	}
	return nil
}

// readData returns what is in a file; `-` is the standard input.
func (c *curlRun) readData(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(c.stdin)
	}
	return c.ReadFile(name)
}

func (c *curlRun) addHeaders(o *curlOperation, option, value string) *curlError {
	name, isFile := strings.CutPrefix(value, "@")
	if !isFile {
		o.headers = append(o.headers, value)
		return nil
	}
	text, err := c.readData(name)
	if err != nil {
		return failure(26, "option %s: error encountered when reading a file", option)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSuffix(line, "\r"); line != "" {
			o.headers = append(o.headers, line)
		}
	}
	return nil
}

func (c *curlRun) addData(o *curlOperation, option, name, value string) *curlError {
	data := []byte(value)
	file, isFile := strings.CutPrefix(value, "@")
	if name == "data-urlencode" {
		return c.addEncoded(o, option, value)
	}
	if isFile && name != "data-raw" {
		var err error
		if data, err = c.readData(file); err != nil {
			return failure(26, "Failed to open %s\n"+
				"curl: option %s: error encountered when reading a file", file, option)
		}
		if name == "data" || name == "data-ascii" {
			// These are for forms, which have no lines.
			data = bytes.Map(func(letter rune) rune {
				if letter == '\n' || letter == '\r' || letter == 0 {
					return -1
				}
				return letter
			}, data)
		}
	}
	if o.isJSON = o.isJSON || name == "json"; o.hasData && name != "json" {
		o.data = append(o.data, '&')
	}
	o.data, o.hasData = append(o.data, data...), true
	return nil
}

// addEncoded adds data of --data-urlencode.
func (c *curlRun) addEncoded(o *curlOperation, option, value string) *curlError {
	encoded, err := c.encode(option, value)
	if err != nil {
		return err
	}
	if o.hasData {
		o.data = append(o.data, '&')
	}
	o.data, o.hasData = append(o.data, encoded...), true
	return nil
}

// addQuery adds what --data-urlencode takes, or as it is what follows a plus.
func (c *curlRun) addQuery(o *curlOperation, option, value string) *curlError {
	text, isEncoded := strings.CutPrefix(value, "+")
	if !isEncoded {
		var err *curlError
		if text, err = c.encode(option, value); err != nil {
			return err
		}
	}
	if o.query != "" {
		o.query += "&"
	}
	o.query += text
	return nil
}

// encode encodes content, =content, name=content, @file or name@file.
func (c *curlRun) encode(option, value string) (string, *curlError) {
	at := strings.IndexByte(value, '=')
	if at < 0 {
		at = strings.IndexByte(value, '@')
	}
	name, text := "", value
	if at >= 0 {
		name, text = value[:at], value[at+1:]
		if value[at] == '@' {
			data, err := c.readData(text)
			if err != nil {
				return "", failure(26, "Failed to open %s\n"+
					"curl: option %s: error encountered when reading a file", text, option)
			}
			text = string(data)
		}
	}
	encoded := url.QueryEscape(text)
	if name != "" {
		encoded = name + "=" + encoded
	}
	return encoded, nil
}

// seconds returns the value of an option as a time, 0 without it.
func (o *curlOperation) seconds(name string) time.Duration {
	number, _ := strconv.ParseFloat(o.values[name], 64)
	return time.Duration(number * float64(time.Second))
}

// method returns the method of a request.
func (o *curlOperation) method() string {
	switch {
	case o.values["request"] != "":
		return o.values["request"]
	case o.flags["head"]:
		return "HEAD"
	case o.hasData && !o.flags["get"]:
		return "POST"
	}
	return "GET"
}

// operate transfers each URL of an operation; it returns the exit code of the last.
func (c *curlRun) operate(o *curlOperation) int {
	if o.flags["head"] && o.hasData && !o.flags["get"] {
		if !o.flags["silent"] {
			fmt.Fprintln(c.Stderr, "Warning: You can only select one HTTP request method! "+
				"You asked for both POST \nWarning: (-d, --data) and HEAD (-I, --head).")
		}
		return 2
	}
	code := 0
	for number, text := range o.urls {
		if c.ctx.Err() != nil {
			return 1
		}
		t := &curlTransfer{curlRun: c, curlOperation: o, text: text, number: number}
		t.begin = time.Now()
		err := t.transfer()
		t.failure = err
		t.total = time.Since(t.begin)
		if t.output != nil {
			t.output.Close()
		}
		if code = 0; err != nil {
			code = err.code
			if !o.flags["silent"] || o.flags["show-error"] {
				fmt.Fprintf(c.Stderr, "curl: (%d) %s\n", err.code, err.text)
				if err.code == 60 {
					fmt.Fprintln(c.Stderr, moreAboutCertificates)
				}
			}
		}
		t.writeOut(o.values["write-out"])
		t.tellStatus()
	}
	return code
}

// tellStatus tells OnTransfer the status of the response.
func (t *curlTransfer) tellStatus() {
	switch {
	case t.OnTransfer == nil:
	case t.response == nil:
		t.OnTransfer(0)
	default:
		t.OnTransfer(t.response.StatusCode)
	}
}

// warn writes a warning, which -s suppresses.
func (t *curlTransfer) warn(format string, values ...any) {
	if !t.flags["silent"] {
		fmt.Fprintf(t.Stderr, "Warning: "+format+"\n", values...)
	}
}

const moreAboutCertificates = `More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.`

const badPort = "URL rejected: Port number was not a decimal number between 0 and 65535"

// percentCodes are in small letters in what is added to a URL.
var percentCodes = regexp.MustCompile(`%[[:xdigit:]]{2}`)

var globs = regexp.MustCompile(`\{[^}]*\}|\[[^\]:]*-[^\]]*\]`)

// parseURL returns the URL of a transfer, as curl takes it.
func (t *curlTransfer) parseURL(text string) (*url.URL, *curlError) {
	if !t.flags["globoff"] && globs.MatchString(text) {
		return nil, failure(3, "this curl has no globbing: quote { } [ ] in the URL, or use -g")
	}
	scheme, _, hasScheme := strings.Cut(text, "://")
	if !hasScheme {
		scheme, text = "http", "http://"+text
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https":
	default:
		return nil, failure(1, "Protocol %q not supported", scheme)
	}
	if strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, " ") {
		return nil, failure(3, "URL rejected: Malformed input to a URL function")
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil && strings.Contains(err.Error(), "port"):
		return nil, failure(3, badPort)
	case err != nil && strings.Contains(err.Error(), "escape"):
		// To curl a percent sign is a letter.
		parsed, err = url.Parse(strings.ReplaceAll(text, "%", "%25"))
	}
	if err != nil {
		return nil, failure(3, "URL rejected: Malformed input to a URL function")
	}
	if parsed.Hostname() == "" {
		return nil, failure(3, "URL rejected: No host part in the URL")
	}
	if port := parsed.Port(); port != "" {
		if number, err := strconv.Atoi(port); err != nil || number > 65535 {
			return nil, failure(3, badPort)
		}
	}
	if parsed.Path == "" {
		parsed.Path = "/"
	}
	if !t.flags["path-as-is"] {
		removeDots(parsed)
	}
	parsed.Fragment = ""
	query := t.query
	if t.flags["get"] && t.hasData {
		query = string(t.data)
	}
	if query != "" && parsed.RawQuery != "" && !strings.HasSuffix(parsed.RawQuery, "&") {
		query = "&" + query
	}
	parsed.RawQuery += percentCodes.ReplaceAllStringFunc(query, strings.ToLower)
	return parsed, nil
}

// removeDots takes . and .. out of a path.
func removeDots(u *url.URL) {
	escaped := u.EscapedPath()
	var parts []string
	for _, part := range strings.Split(escaped, "/")[1:] {
		switch part {
		case "..":
			parts = parts[:max(0, len(parts)-1)]
		case ".":
		default:
			parts = append(parts, part)
		}
	}
	if last := path.Base(escaped); (last == "." || last == "..") && len(parts) > 0 {
		parts = append(parts, "")
	}
	joined := "/" + strings.Join(parts, "/")
	if plain, err := url.PathUnescape(joined); err == nil {
		u.Path, u.RawPath = plain, joined
	}
}

// requestHeaders returns the headers of a request in their order, without those that the user
// has removed, and the host.
func (o *curlOperation) requestHeaders(hasBody bool) (headers [][2]string, host string) {
	agent := "curl/" + curlVersion
	if text, isSet := o.values["user-agent"]; isSet {
		agent = text
	}
	headers = [][2]string{{"User-Agent", agent}, {"Accept", "*/*"}}
	if text := o.values["referer"]; text != "" {
		headers = append(headers, [2]string{"Referer", text})
	}
	if text := o.values["oauth2-bearer"]; text != "" {
		headers = append(headers, [2]string{"Authorization", "Bearer " + text})
	}
	if o.flags["compressed"] {
		headers = append(headers, [2]string{"Accept-Encoding", "gzip"})
	}
	set := func(name, text string) {
		headers = slices.DeleteFunc(headers, func(header [2]string) bool {
			return strings.EqualFold(header[0], name)
		})
		if text != "" {
			headers = append(headers, [2]string{name, text})
		}
	}
	if o.isJSON {
		set("Content-Type", "application/json")
		set("Accept", "application/json")
	} else if hasBody {
		set("Content-Type", "application/x-www-form-urlencoded")
	}
	isOwn := map[string]bool{}
	for _, line := range o.headers {
		name, text, hasColon := strings.Cut(line, ":")
		text = strings.TrimSpace(text)
		isEmpty := false
		if !hasColon {
			// A semicolon in place of the colon sends a header without text.
			if name, isEmpty = strings.CutSuffix(strings.TrimSpace(line), ";"); !isEmpty {
				continue
			}
		}
		key := strings.ToLower(name)
		if key == "host" {
			host = text
			continue
		}
		if !isOwn[key] {
			set(name, "")
		}
		if text != "" || isEmpty {
			headers = append(headers, [2]string{name, text})
		}
		isOwn[key] = true
	}
	return headers, host
}

// isTimeout reports whether a context ended because the time was up.
func isTimeout(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), errLate)
}
