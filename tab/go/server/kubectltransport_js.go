package main

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"

	"k8s.io/client-go/transport"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// retries is how many requests of a command that has been cancelled fail, over all of its clients,
// before those who go on asking are ended. One that makes many objects has a client for each.
const retries = 8

// commandTransport returns what wraps a transport of one command: its requests end with the
// command, whose failures since then are counted, and are logged to its standard error, from
// `-v 6` on, by client-go's own code.
func commandTransport(
	ctx context.Context, failures *atomic.Int32, log io.Writer, verbosity int,
) transport.WrapperFunc {
	config := textlogger.NewConfig(textlogger.Output(log), textlogger.Verbosity(verbosity))
	logger := textlogger.NewLogger(config)
	return func(inner http.RoundTripper) http.RoundTripper {
		if verbosity >= 6 {
			inner = transport.NewDebuggingRoundTripper(inner, transport.DebugByContext)
		}
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if ctx.Err() != nil && failures.Add(1) > retries {
				runtime.Goexit()
			}
			both, cancel := context.WithCancel(klog.NewContext(request.Context(), logger))
			context.AfterFunc(ctx, cancel)
			return inner.RoundTrip(request.WithContext(both))
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	return r(request)
}
