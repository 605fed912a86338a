package etcd

import (
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// supportedFields has the fields of each message that this etcd supports.
var supportedFields = map[protoreflect.Name]string{
	"RangeRequest":       "key range_end revision limit keys_only count_only serializable",
	"TxnRequest":         "compare success failure",
	"Compare":            "key target version mod_revision",
	"RequestOp":          "request_range request_put request_delete_range",
	"PutRequest":         "key value lease",
	"DeleteRangeRequest": "key",
	"CompactionRequest":  "revision physical",
	"LeaseGrantRequest":  "TTL",
	"WatchCreateRequest": "key range_end start_revision prev_kv progress_notify",
}

// check refuses a request in which a client asks for more than is known here, or that
// lacks the key that it needs.
func check(message protoreflect.Message) (err error) {
	name := message.Descriptor().Name()
	fields := strings.Fields(supportedFields[name])
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case !slices.Contains(fields, string(field.Name())):
			err = unsupported(string(name) + " with " + string(field.Name()))
		case field.IsList():
			for i := 0; i < value.List().Len() && err == nil; i++ {
				err = check(value.List().Get(i).Message())
			}
		case field.Message() != nil:
			err = check(value.Message())
		}
		return err == nil
	})
	key := message.Descriptor().Fields().ByName("key")
	switch {
	case err != nil:
		return err
	case len(message.GetUnknown()) > 0:
		return unsupported(string(name) + " with new fields")
	case key != nil && !message.Has(key):
		return rpctypes.ErrGRPCEmptyKey
	}
	return nil
}

func unsupported(what string) error {
	return status.Error(codes.Unimplemented, "etcd in memory: no "+what)
}
