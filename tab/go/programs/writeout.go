package programs

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// facts returns what -w tells of a transfer, by name, as JSON has it.
func (t *curlTransfer) facts() map[string]any {
	facts := map[string]any{
		"content_type": nil, "errormsg": nil, "exitcode": 0, "http_code": 0, "http_version": "0",
		"local_ip": "", "local_port": 0, "method": t.method(), "num_redirects": t.redirects,
		"redirect_url": nil, "remote_ip": "", "remote_port": 0, "response_code": 0, "scheme": nil,
		"size_download": t.downloadSize, "ssl_verify_result": t.verify.code, "url": t.text,
		"url_effective": t.text, "urlnum": t.number,
		"time_namelookup": t.lookup, "time_connect": t.connect, "time_appconnect": t.handshake,
		"time_pretransfer": t.sent, "time_starttransfer": t.started,
		"time_redirect": t.redirected, "time_total": t.total,
	}
	if t.url != nil {
		facts["url_effective"], facts["scheme"] = t.url.String(), t.url.Scheme
	}
	if t.failure != nil {
		facts["exitcode"], facts["errormsg"] = t.failure.code, t.failure.text
	}
	if t.redirectURL != "" {
		facts["redirect_url"] = t.redirectURL
	}
	for prefix, address := range map[string]net.Addr{"local": t.local, "remote": t.remote} {
		if address, is := address.(*net.TCPAddr); is && address != nil {
			facts[prefix+"_ip"], facts[prefix+"_port"] = address.IP.String(), address.Port
		}
	}
	if response := t.response; response != nil {
		facts["http_code"], facts["response_code"] = response.StatusCode, response.StatusCode
		if facts["http_version"] = "2"; response.ProtoMajor == 1 {
			facts["http_version"] = fmt.Sprintf("1.%d", response.ProtoMinor)
		}
		if text := response.Header.Get("Content-Type"); text != "" {
			facts["content_type"] = text
		}
	}
	return facts
}

var outVariable = regexp.MustCompile(`%%|%\{([^}]*)\}|%header\{([^}]*)\}|\\.`)

// writeOut writes what -w asks for.
func (t *curlTransfer) writeOut(format string) {
	if format == "" {
		return
	}
	facts, out, end := t.facts(), t.Stdout, 0
	for _, at := range outVariable.FindAllStringSubmatchIndex(format, -1) {
		io.WriteString(out, format[end:at[0]])
		word := format[at[0]:at[1]]
		end = at[1]
		switch {
		case word == "%%":
			io.WriteString(out, "%")
		case word[0] == '\\':
			letters := map[string]string{`\n`: "\n", `\r`: "\r", `\t`: "\t"}
			if text, isKnown := letters[word]; isKnown {
				word = text
			}
			io.WriteString(out, word)
		case at[4] >= 0:
			if t.response != nil {
				io.WriteString(out, t.response.Header.Get(format[at[4]:at[5]]))
			}
		default:
			switch name := format[at[2]:at[3]]; name {
			case "stdout":
				out = t.Stdout
			case "stderr":
				out = t.Stderr
			case "onerror":
				if t.failure == nil {
					return
				}
			case "json":
				io.WriteString(out, factsText(facts))
			default:
				value, isKnown := facts[name]
				if !isKnown {
					fmt.Fprintf(t.Stderr, "curl: unknown --write-out variable: '%s'\n", name)
					continue
				}
				io.WriteString(out, factText(name, value))
			}
		}
	}
	io.WriteString(out, format[end:])
}

// factText returns a fact as -w writes it.
func factText(name string, value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case time.Duration:
		return strconv.FormatFloat(value.Seconds(), 'f', 6, 64)
	case int:
		if name == "http_code" || name == "response_code" {
			return fmt.Sprintf("%03d", value)
		}
	}
	return fmt.Sprint(value)
}

// factsText returns all facts as one line of JSON, sorted, as curl does.
func factsText(facts map[string]any) string {
	var names []string
	for name := range facts {
		names = append(names, name)
	}
	slices.Sort(names)
	var parts []string
	for _, name := range names {
		text, err := json.Marshal(facts[name])
		if moment, is := facts[name].(time.Duration); is || err != nil {
			text = []byte(factText(name, moment))
		}
		parts = append(parts, fmt.Sprintf("%q:%s", name, text))
	}
	parts = append(parts, fmt.Sprintf(`"curl_version":"libcurl/%s"`, curlVersion))
	return "{" + strings.Join(parts, ",") + "}"
}
