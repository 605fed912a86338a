package programs

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxRedirects is how often curl -L goes on, without --max-redirs.
const maxRedirects = 50

// curlTransfer is the transfer of one URL, and what -w tells of it.
type curlTransfer struct {
	*curlRun
	*curlOperation
	text   string
	number int
	url    *url.URL
	output io.WriteCloser

	begin                                     time.Time
	lookup, connect, handshake, sent, started time.Duration
	redirected, total                         time.Duration

	local, remote net.Addr
	state         *tls.ConnectionState
	verify        verification
	response      *http.Response
	sentMethod    string
	downloadSize  int64
	redirects     int
	redirectURL   string
	failure       *curlError
}

// note writes a line of -v.
func (t *curlTransfer) note(format string, values ...any) {
	if t.flags["verbose"] {
		fmt.Fprintf(t.Stderr, "* "+format+"\n", values...)
	}
}

// transfer sends the request and writes the response.
func (t *curlTransfer) transfer() *curlError {
	ctx, cancel := context.WithCancelCause(t.ctx)
	defer cancel(nil)
	if limit := t.seconds("max-time"); limit > 0 {
		timer := time.AfterFunc(limit, func() { cancel(errLate) })
		defer timer.Stop()
	}
	var err *curlError
	if t.url, err = t.parseURL(t.text); err != nil {
		return err
	}
	transport := t.transport()
	defer transport.CloseIdleConnections()
	method, data := t.method(), t.data
	for {
		if err := t.request(ctx, transport, method, data); err != nil {
			return err
		}
		next := t.nextURL()
		if t.redirectURL = ""; next != nil {
			t.redirectURL = next.String()
		}
		if next == nil || !t.flags["location"] && !t.flags["location-trusted"] {
			return t.receive(ctx)
		}
		if err := t.receiveHead(ctx); err != nil {
			return err
		}
		t.response.Body.Close()
		limit := maxRedirects
		if number, err := strconv.Atoi(t.values["max-redirs"]); err == nil {
			limit = number
		}
		if t.redirects++; limit >= 0 && t.redirects > limit {
			return failure(47, "Maximum (%d) redirects followed", limit)
		}
		t.note("Issue another request to this URL: '%s'", next)
		if code := t.response.StatusCode; method == http.MethodPost && code <= 303 {
			method, data = http.MethodGet, nil
		}
		if next.Host != t.url.Host && !t.flags["location-trusted"] {
			// Credentials are for the first host only.
			t.headers = slices.DeleteFunc(slices.Clone(t.headers), func(header string) bool {
				name, _, _ := strings.Cut(strings.ToLower(header), ":")
				return name == "authorization" || name == "cookie"
			})
			t.values["user"], t.values["oauth2-bearer"] = "", ""
		}
		t.url, t.redirected = next, time.Since(t.begin)
	}
}

// nextURL returns where a response redirects, or nil.
func (t *curlTransfer) nextURL() *url.URL {
	if code := t.response.StatusCode; code < 300 || code > 399 {
		return nil
	}
	location := t.response.Header.Get("Location")
	next, err := t.url.Parse(location)
	if location == "" || err != nil || next.Scheme != "http" && next.Scheme != "https" {
		return nil
	}
	return next
}

// transport returns what connects for the transfer.
func (t *curlTransfer) transport() *http.Transport {
	transport := &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return t.dial(ctx, address)
		},
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			connection, err := t.dial(ctx, address)
			if err != nil {
				return nil, err
			}
			secure, err := t.shakeHands(ctx, connection, address)
			if err != nil {
				connection.Close()
				return nil, err
			}
			return secure, nil
		},
		ForceAttemptHTTP2: !t.flags["http1.1"],
	}
	return transport
}

// connectContext bounds the time until a connection is open.
func (t *curlTransfer) connectContext(ctx context.Context) (context.Context, func()) {
	limit := t.seconds("connect-timeout") - time.Since(t.begin) + t.redirected
	if t.seconds("connect-timeout") == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(errLate) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// dial connects to a host and port, or to what options name in their place.
func (t *curlTransfer) dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := t.connectContext(ctx)
	defer cancel()
	if socket := t.values["unix-socket"]; socket != "" {
		return t.dialSocket(ctx, socket)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, failure(3, "URL rejected: Malformed input to a URL function")
	}
	host, port = t.connectTo(host, port)
	addresses, failed := t.lookUp(ctx, host, port)
	if failed != nil {
		return nil, failed
	}
	t.lookup = time.Since(t.begin)
	for _, ip := range addresses {
		t.note("  Trying %s...", net.JoinHostPort(ip, port))
		var connection net.Conn
		if connection, err = t.Machine.Dial(ctx, "tcp", net.JoinHostPort(ip, port)); err == nil {
			t.connect = time.Since(t.begin)
			t.local, t.remote = connection.LocalAddr(), connection.RemoteAddr()
			t.note("Connected to %s (%s) port %s", host, ip, port)
			return connection, nil
		}
		t.note("connect to %s port %s failed: %s", ip, port, dialReason(err))
	}
	switch {
	case t.ctx.Err() != nil:
		return nil, t.ctx.Err()
	case isTimeout(ctx):
		return nil, failure(28, "Connection timed out after %d milliseconds",
			time.Since(t.begin).Milliseconds())
	}
	return nil, t.unconnected(host, port)
}

// dialReason returns the system's words for a failed connection.
func dialReason(err error) string {
	var number syscall.Errno
	switch {
	case errors.As(err, &number) && number == syscall.ECONNREFUSED:
		return "Connection refused"
	case errors.Is(err, context.Canceled):
		return "Connection timed out"
	}
	return err.Error()
}

func (t *curlTransfer) dialSocket(ctx context.Context, socket string) (net.Conn, error) {
	t.note("  Trying %s...", socket)
	host, err := t.locate(socket, true, false)
	if err == nil {
		var connection net.Conn
		if connection, err = t.Machine.Dial(ctx, "unix", host); err == nil {
			t.connect = time.Since(t.begin)
			t.lookup = t.connect
			t.note("Connected to %s (%s) port 80", t.url.Hostname(), socket)
			return connection, nil
		}
	}
	return nil, t.unconnected(t.url.Hostname(), portOf(t.url))
}

// unconnected returns the error of a connection that fails.
func (t *curlTransfer) unconnected(host, port string) *curlError {
	return failure(7, "Failed to connect to %s port %s after %d ms: Could not connect to server",
		host, port, time.Since(t.begin).Milliseconds())
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// connectTo returns the host and port that --connect-to puts in place of others.
func (t *curlTransfer) connectTo(host, port string) (string, string) {
	for _, text := range t.connectTos {
		parts := splitColons(text)
		if len(parts) != 4 || parts[0] != "" && !strings.EqualFold(parts[0], host) ||
			parts[1] != "" && parts[1] != port {
			continue
		}
		if parts[2] != "" {
			host = parts[2]
		}
		if parts[3] != "" {
			port = parts[3]
		}
		break
	}
	return host, port
}

// splitColons splits at colons that are not in brackets, which it removes.
func splitColons(text string) []string {
	var parts []string
	start, isIn := 0, false
	for i, letter := range text + ":" {
		switch letter {
		case '[':
			isIn = true
		case ']':
			isIn = false
		case ':':
			if !isIn {
				parts = append(parts, strings.Trim(text[start:i], "[]"))
				start = i + 1
			}
		}
	}
	return parts
}

// lookUp returns the addresses of a host.
func (t *curlTransfer) lookUp(ctx context.Context, host, port string) ([]string, *curlError) {
	for _, text := range t.resolves {
		parts := splitColons(strings.TrimPrefix(text, "+"))
		if len(parts) < 3 || parts[1] != port {
			continue
		}
		if parts[0] == "*" || strings.EqualFold(parts[0], host) {
			return strings.Split(strings.Join(parts[2:], ":"), ","), nil
		}
	}
	if net.ParseIP(host) != nil {
		return []string{host}, nil
	}
	var addresses []string
	if t.Machine.LookupHost != nil {
		addresses, _ = t.Machine.LookupHost(ctx, host)
	}
	switch {
	case len(addresses) > 0:
		return addresses, nil
	case isTimeout(ctx):
		return nil, failure(28, "Resolving timed out after %d milliseconds",
			time.Since(t.begin).Milliseconds())
	}
	return nil, failure(6, "Could not resolve host: %s", host)
}

// request sends a request and waits for the head of its response.
func (t *curlTransfer) request(
	ctx context.Context, transport *http.Transport, method string, data []byte,
) *curlError {
	var body io.Reader
	hasBody := t.hasData && !t.flags["get"] && data != nil
	if hasBody {
		body = bytes.NewReader(data)
	}
	trace := &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			t.sent = time.Since(t.begin)
			t.noteRequest(method, hasBody)
		},
		GotFirstResponseByte: func() { t.started = time.Since(t.begin) },
	}
	ctx = httptrace.WithClientTrace(ctx, trace)
	request, err := http.NewRequestWithContext(ctx, method, "/", body)
	if err != nil {
		return failure(3, "URL rejected: Malformed input to a URL function")
	}
	request.URL = t.url
	request.Host = t.url.Host
	headers, host := t.requestHeaders(hasBody)
	if host != "" {
		request.Host = host
	}
	// Without this, Go would send its own.
	request.Header["User-Agent"] = nil
	for _, header := range headers {
		request.Header[header[0]] = append(request.Header[header[0]], header[1])
	}
	if user := t.values["user"]; user != "" {
		name, password, _ := strings.Cut(user, ":")
		request.SetBasicAuth(name, password)
	} else if t.url.User != nil {
		password, _ := t.url.User.Password()
		request.SetBasicAuth(t.url.User.Username(), password)
	}
	t.sentMethod = method
	response, err := transport.RoundTrip(request)
	if err != nil {
		return t.failed(ctx, err)
	}
	t.response = response
	return nil
}

// noteRequest writes the head of the request for -v.
func (t *curlTransfer) noteRequest(method string, hasBody bool) {
	if !t.flags["verbose"] {
		return
	}
	version, isHTTP2 := "HTTP/1.1", t.state != nil && t.state.NegotiatedProtocol == "h2"
	if isHTTP2 {
		version = "HTTP/2"
		t.note("using HTTP/2")
	}
	headers, host := t.requestHeaders(hasBody)
	if host == "" {
		host = t.url.Host
	}
	fmt.Fprintf(t.Stderr, "> %s %s %s\n> Host: %s\n", method, t.url.RequestURI(), version, host)
	for _, header := range headers {
		name := header[0]
		if isHTTP2 {
			name = strings.ToLower(name)
		}
		fmt.Fprintf(t.Stderr, "> %s: %s\n", name, header[1])
	}
	fmt.Fprintln(t.Stderr, ">")
}

// head returns the lines of the response's head in the order in which Go's servers send them.
func (t *curlTransfer) head() []string {
	response := t.response
	status, isHTTP2 := response.Status, response.ProtoMajor == 2
	version := "HTTP/" + strconv.Itoa(response.ProtoMajor) + "." + strconv.Itoa(response.ProtoMinor)
	if isHTTP2 {
		version, status = "HTTP/2", strconv.Itoa(response.StatusCode)+" "
	}
	names := make([]string, 0, len(response.Header))
	for name := range response.Header {
		names = append(names, name)
	}
	last := []string{"Date", "Content-Length"}
	if isHTTP2 {
		last = []string{"Content-Length", "Date"}
	}
	slices.SortFunc(names, func(a, b string) int {
		if order := slices.Index(last, a) - slices.Index(last, b); order != 0 {
			return order
		}
		return strings.Compare(a, b)
	})
	lines := []string{version + " " + status}
	for _, name := range names {
		for _, value := range response.Header[name] {
			if isHTTP2 {
				name = strings.ToLower(name)
			}
			lines = append(lines, name+": "+value)
		}
	}
	if slices.Contains(response.TransferEncoding, "chunked") && !isHTTP2 {
		lines = append(lines, "Transfer-Encoding: chunked")
	}
	if response.Close && !isHTTP2 && response.Header.Get("Connection") == "" {
		lines = append(lines, "Connection: close")
	}
	return append(lines, "")
}

// receiveHead writes the head of the response where options want it.
func (t *curlTransfer) receiveHead(ctx context.Context) *curlError {
	for _, line := range t.head() {
		if t.flags["verbose"] {
			fmt.Fprintf(t.Stderr, "< %s\n", strings.TrimRight(line, " "))
		}
	}
	text := strings.Join(t.head(), "\r\n") + "\r\n"
	if name := t.values["dump-header"]; name != "" {
		var out io.Writer = t.Stdout
		if name != "-" {
			file, err := t.OpenFile(name, createFlag(t.redirects > 0), 0o644)
			if err != nil {
				return failure(23, "Failed to open %s", name)
			}
			defer file.Close()
			out = file
		}
		io.WriteString(out, text)
	}
	if t.flags["include"] || t.flags["head"] {
		return t.write([]byte(text))
	}
	return nil
}

// write writes a part of the response to the output, which it opens for the first one.
func (t *curlTransfer) write(part []byte) *curlError {
	if t.output == nil {
		name := ""
		if t.number < len(t.outputs) {
			name = t.outputs[t.number]
		} else if t.flags["remote-name"] {
			if name = path.Base(t.url.Path); name == "/" || name == "." {
				return failure(23, "Failed to extract a filename to use for storage")
			}
		}
		t.output = unclosed{struct {
			io.Reader
			io.Writer
		}{nil, t.Stdout}}
		if name != "" && name != "-" {
			file, err := t.Create(name)
			if err != nil {
				t.warn("Failed to open the file %s: %s", name, reason(err))
				return failure(23, "Failure writing output to destination")
			}
			t.output = file
		}
	}
	if _, err := t.output.Write(part); err != nil {
		return failure(23, "Failure writing output to destination")
	}
	return nil
}

// receive writes the response.
func (t *curlTransfer) receive(ctx context.Context) *curlError {
	defer t.response.Body.Close()
	isRefused := t.response.StatusCode >= 400
	refused := failure(22, "The requested URL returned error: %d", t.response.StatusCode)
	if t.flags["fail"] && isRefused {
		if err := t.receiveHead(ctx); err != nil {
			return err
		}
		return refused
	}
	if err := t.receiveHead(ctx); err != nil {
		return err
	}
	var body io.Reader = t.response.Body
	if t.flags["compressed"] && t.response.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return failure(61, "Unrecognized content encoding type")
		}
		body = unpacked
	}
	buffer := make([]byte, 32<<10)
	for {
		count, err := body.Read(buffer)
		if count > 0 {
			t.downloadSize += int64(count)
			if failed := t.write(buffer[:count]); failed != nil {
				return failed
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return t.failedBody(ctx, err)
		}
	}
	if t.output == nil && (t.number < len(t.outputs) || t.flags["remote-name"]) {
		if err := t.write(nil); err != nil {
			return err
		}
	}
	t.note("Connection #0 to host %s left intact", t.url.Hostname())
	if t.flags["fail-with-body"] && isRefused {
		return refused
	}
	return nil
}

// late returns the error of a time that is up.
func (t *curlTransfer) late() *curlError {
	received := fmt.Sprintf("%d bytes received", t.downloadSize)
	if t.response != nil && t.response.ContentLength >= 0 {
		received = fmt.Sprintf("%d out of %d bytes received", t.downloadSize,
			t.response.ContentLength)
	}
	milliseconds := time.Since(t.begin).Milliseconds()
	if t.connect == 0 {
		return failure(28, "Connection timed out after %d milliseconds", milliseconds)
	}
	return failure(28, "Operation timed out after %d milliseconds with %s", milliseconds, received)
}

// failed returns curl's error for one of Go's, before a response.
func (t *curlTransfer) failed(ctx context.Context, err error) *curlError {
	var own *curlError
	switch {
	case errors.As(err, &own):
		return own
	case isTimeout(ctx):
		return t.late()
	case t.ctx.Err() != nil:
		return failure(42, "Callback aborted")
	}
	text := err.Error()
	switch {
	case alertWords(err) != "":
		return failure(56, "OpenSSL SSL_read: %s, errno 0", alertWords(err))
	case errors.Is(err, syscall.ECONNRESET):
		return failure(56, "Recv failure: Connection reset by peer")
	case errors.Is(err, io.EOF), strings.Contains(text, "server closed idle connection"),
		strings.Contains(text, "unexpected EOF"), errors.Is(err, syscall.EPIPE):
		return failure(52, "Empty reply from server")
	case strings.Contains(text, "malformed HTTP"):
		return failure(1, "Received HTTP/0.9 when not allowed")
	case strings.Contains(text, "stream error"), strings.Contains(text, "GOAWAY"):
		return failure(92, "HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)")
	case strings.Contains(text, "invalid header"), strings.Contains(text, "invalid method"):
		return failure(43, "A libcurl function was given a bad argument")
	}
	return failure(56, "Recv failure: %s", text)
}

// failedBody returns curl's error for one of Go's within the content.
func (t *curlTransfer) failedBody(ctx context.Context, err error) *curlError {
	switch {
	case isTimeout(ctx):
		return t.late()
	case t.ctx.Err() != nil:
		return failure(42, "Callback aborted")
	case strings.Contains(err.Error(), "stream error"):
		return failure(92, "HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)")
	case errors.Is(err, io.ErrUnexpectedEOF) && t.response.ContentLength >= 0:
		return failure(18, "end of response with %d bytes missing",
			t.response.ContentLength-t.downloadSize)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return failure(18, "transfer closed with outstanding read data remaining")
	case errors.Is(err, syscall.ECONNRESET):
		return failure(56, "Recv failure: Connection reset by peer")
	}
	return failure(56, "Recv failure: %s", err)
}
