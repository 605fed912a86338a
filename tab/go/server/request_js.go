package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall/js"
	"time"

	"k8s.io/client-go/util/cert"
)

// asked is a request of JavaScript's. `Certificate` names that of a client, "" is none;
// `Trust` is whose authorities count: "cluster", "any" for everybody's, "" for nobody's,
// as curl has it; `Seconds` is how long the answer may take.
type asked struct {
	Method, Path, Body, Certificate, Trust string
	Headers                                [][2]string
	Seconds                                float64
}

// requestFunction returns request(asked, onHead, onChunk): a Promise of "", or of what
// went wrong. onHead(status, headers) comes first, then onChunk with the body's bytes.
func requestFunction() (js.Func, error) {
	pool, err := cert.NewPool(files + "/ca.crt")
	if err != nil {
		return js.Func{}, err
	}
	clients := map[string]*http.Client{}
	for _, stem := range []string{"", "admin", "super-admin"} {
		var own []tls.Certificate
		if stem != "" {
			pair, err := tls.LoadX509KeyPair(files+"/"+stem+".crt", files+"/"+stem+".key")
			if err != nil {
				return js.Func{}, err
			}
			own = append(own, pair)
		}
		clients[stem+"@"] = newClient(&tls.Config{Certificates: own, RootCAs: x509.NewCertPool()})
		clients[stem+"@cluster"] = newClient(&tls.Config{Certificates: own, RootCAs: pool})
		clients[stem+"@any"] = newClient(&tls.Config{Certificates: own, InsecureSkipVerify: true})
	}
	return promised(func(given []js.Value) any {
		question := asked{Seconds: 3600}
		if err := json.Unmarshal([]byte(given[0].String()), &question); err != nil {
			return err.Error()
		}
		client := clients[question.Certificate+"@"+question.Trust]
		if err := perform(client, question, given[1], given[2]); err != nil {
			return err.Error()
		}
		return ""
	}), nil
}

func newClient(config *tls.Config) *http.Client {
	return &http.Client{
		// Without a dialer of its own, Go would call the browser's fetch().
		Transport: &http.Transport{
			DialContext: new(net.Dialer).DialContext, TLSClientConfig: config,
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

func perform(client *http.Client, a asked, onHead, onChunk js.Value) error {
	limit := time.Duration(a.Seconds * float64(time.Second))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	url, body := "https://"+server+a.Path, strings.NewReader(a.Body)
	request, err := http.NewRequestWithContext(ctx, a.Method, url, body)
	if err != nil {
		return err
	}
	for _, header := range a.Headers {
		request.Header.Add(header[0], header[1])
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	headers := []any{}
	for name, values := range response.Header {
		for _, value := range values {
			headers = append(headers, []any{name, value})
		}
	}
	onHead.Invoke(response.StatusCode, headers)
	_, err = io.Copy(chunks(onChunk), response.Body)
	return err
}

// chunks gives JavaScript what is written.
type chunks js.Value

func (c chunks) Write(bytes []byte) (int, error) {
	js.Value(c).Invoke(bytesFor(bytes))
	return len(bytes), nil
}

func bytesFor(bytes []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(bytes))
	js.CopyBytesToJS(array, bytes)
	return array
}

// promised returns a function that returns a Promise of what the work returns, which may
// take its time.
func promised(work func(given []js.Value) any) js.Func {
	return js.FuncOf(func(_ js.Value, given []js.Value) any {
		var executor js.Func
		executor = js.FuncOf(func(_ js.Value, callbacks []js.Value) any {
			resolve := callbacks[0]
			go func() {
				defer executor.Release()
				resolve.Invoke(work(given))
			}()
			return nil
		})
		return js.Global().Get("Promise").New(executor)
	})
}
