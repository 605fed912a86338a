package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall/js"
	"time"

	"k8s.io/client-go/rest"
)

// asked is a request of JavaScript's. `Certificate` and `Trust` are those of clientConfig;
// `Seconds` is how long the answer may take.
type asked struct {
	Method, Path, Body, Certificate, Trust string
	Headers                                [][2]string
	Seconds                                float64
}

// clientConfig says how a client reaches the server. `certificate` is its name, "" is
// none; `trust` is whose authorities count: "cluster", "any" for everybody's, "" for
// nobody's, as curl has it.
func clientConfig(certificate, trust string) *rest.Config {
	config := &rest.Config{Host: "https://" + server}
	config.Insecure = trust == "any"
	// With nothing to say of TLS, Go would call the browser's fetch().
	config.ServerName = "kubernetes"
	if trust == "cluster" {
		config.CAFile = files + "/ca.crt"
	}
	if certificate != "" {
		stem := files + "/" + certificate
		config.CertFile, config.KeyFile = stem+".crt", stem+".key"
	}
	return config
}

// requestFunction returns request(asked, told): a Promise of "", or of what went wrong.
// told(status, headers) comes first, headers and question being JSON, then told(bytes)
// of the body.
func requestFunction() js.Func {
	return promised(func(given []js.Value) any {
		question := asked{Seconds: 3600}
		err := json.Unmarshal([]byte(given[0].String()), &question)
		if err == nil {
			err = perform(question, given[1])
		}
		if err != nil {
			return err.Error()
		}
		return ""
	})
}

func perform(a asked, told js.Value) error {
	// The same for the same caller.
	transport, err := rest.TransportFor(clientConfig(a.Certificate, a.Trust))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(a.Seconds*1e9))
	defer cancel()
	url, body := "https://"+server+a.Path, strings.NewReader(a.Body)
	request, err := http.NewRequestWithContext(ctx, a.Method, url, body)
	if err != nil {
		return err
	}
	for _, header := range a.Headers {
		request.Header.Add(header[0], header[1])
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	headers, err := json.Marshal(response.Header)
	if err != nil {
		return err
	}
	told.Invoke(response.StatusCode, string(headers))
	chunks := writer(func(bytes []byte) { told.Invoke(bytesFor(bytes)) })
	_, err = io.Copy(chunks, response.Body)
	return err
}

// writer is what is done with bytes that are written.
type writer func(bytes []byte)

func (w writer) Write(bytes []byte) (int, error) {
	w(bytes)
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
			go func() {
				defer executor.Release()
				callbacks[0].Invoke(work(given))
			}()
			return nil
		})
		return js.Global().Get("Promise").New(executor)
	})
}
