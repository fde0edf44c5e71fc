/* A TFLite external delegate without hardware: what libedgetpu.so.1 is to a Coral stick, this is to nothing.
 *
 * It claims the operators that edgetpu_compiler leaves in a model ("edgetpu-custom-op", which no runtime can run by
 * itself) and computes one thing for each: output[c] = the rounded mean of input[..., c], uint8 to uint8, which is what
 * AVERAGE_POOL_2D over the whole picture gives on a CPU. Of any other model it claims nothing, unless claim=N names a
 * builtin operator, which it then computes in the same way.
 *
 * Options: log=FILE appends a line for create (with all options), prepare and destroy; fail=create (with a message),
 * silent (without), prepare, invoke (once it has run after=N times, by default one: a stick that was pulled out);
 * garbage=noise computes numbers that look like an answer and have nothing to do with it, garbage=same always the same
 * ones, garbage=faint nearly the same ones, garbage=shift the right ones of the next channel;
 * spill=1 changes a byte past the end of a block of memory at each picture, which does no harm but to the rules;
 * kill=FILE does not fail there but, while there is FILE, takes the whole process along.
 *
 * The structs are the beginnings of those in tensorflow/lite/core/c/common.h, in the order that has not changed since
 * TensorFlow 2.5. Build: cc -shared -fPIC -o libstub.so stub_delegate.c
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, ERROR = 1, BUILTIN_DELEGATE = 51, ALLOW_DYNAMIC_TENSORS = 1 };

typedef struct {
    int size;
    int items[];
} Ints;

typedef struct {
    int type;
    uint8_t *bytes;
    Ints *shape;
    float scale;
    int zero_point;
    int allocation_type;
    size_t byte_count;
    const void *allocation;
    const char *name;
    void *delegate;
    int buffer_handle;
    char stale, variable;
    int quantization_type;
    void *quantization, *sparsity;
    const Ints *shape_signature;
} Tensor;

typedef struct {
    Ints *inputs, *outputs;
} Node;

typedef struct {
    void *(*init)(void *context, const char *parameters, size_t size);
    void (*free)(void *context, void *kernel);
    int (*prepare)(void *context, Node *node);
    int (*invoke)(void *context, Node *node);
    const char *(*profiling_string)(const void *context, const Node *node);
    int32_t builtin_code;
    const char *custom_name;
    int version;
    void *later_fields[16];  /* passed by value: newer runtimes read more of it */
} Kernel;

struct Delegate;

typedef struct Context {
    size_t tensor_count;
    int (*get_plan)(struct Context *, Ints **plan);
    Tensor *tensors;
    void *implementation;
    int (*resize_tensor)(struct Context *, Tensor *, Ints *);
    void (*report)(struct Context *, const char *format, ...);
    int (*add_tensors)(struct Context *, int, int *);
    int (*get_node)(struct Context *, int index, Node **, Kernel **);
    int (*replace_nodes)(struct Context *, Kernel, const Ints *nodes, struct Delegate *);
} Context;

typedef struct Delegate {
    void *state;
    int (*prepare)(Context *, struct Delegate *);
    void *copy_from_handle, *copy_to_handle, *free_handle;
    int64_t flags;
    void *later_fields[32];
} Delegate;

typedef struct {
    char *log, *fail, *kill, *garbage;
    int calls, after, spill, claim;
} State;

static void note(const State *state, const char *text) {
    FILE *file = state->log ? fopen(state->log, "a") : NULL;
    if (!file) return;
    fprintf(file, "%s\n", text);
    fclose(file);
}

static int fails(const State *state, const char *where) {
    int failing = state->fail && !strcmp(state->fail, where);
    if (failing && state->kill && !access(state->kill, F_OK)) raise(SIGSEGV);
    return failing && !state->kill;
}

/* What the runtime hands to a delegate's kernel begins with the delegate; what init returns is the node's user data. */
static void *kernel_init(void *context, const char *parameters, size_t size) {
    (void)context, (void)size;
    return (*(Delegate *const *)parameters)->state;
}

static void kernel_free(void *context, void *kernel) { (void)context, (void)kernel; }

static int kernel_prepare(void *context, Node *node) {
    (void)context, (void)node;
    return OK;
}

/* The user data lies behind inputs, outputs, intermediates and temporaries. */
static State *node_state(Node *node) { return ((void **)node)[4]; }

static void spoil(const char *garbage, uint8_t *bytes, size_t size) {
    uint8_t first = bytes[0];
    for (size_t i = 0; i < size; i++) {
        if (!strcmp(garbage, "same")) bytes[i] = 7 + i;
        else if (!strcmp(garbage, "faint")) bytes[i] = 100 + 40 * i + (bytes[i] * 2654435761u >> 20) % 3;
        else if (!strcmp(garbage, "shift")) bytes[i] = i + 1 < size ? bytes[i + 1] : first;
        else bytes[i] = bytes[i] * 2654435761u >> 5 ^ i * 97;
    }
}

static int kernel_invoke(void *c, Node *node) {
    Context *context = c;
    State *state = node_state(node);
    if (state->calls++ >= state->after && fails(state, "invoke")) {
        context->report(context, "stub delegate: the device is gone");
        return ERROR;
    }
    if (state->spill) {
        volatile size_t size = 8;
        char *block = malloc(size);
        block[size] ^= 0xff; /* always another byte: a strict heap keeps one there, which may be any */
        free(block);
    }
    const Tensor *in = &context->tensors[node->inputs->items[0]];
    Tensor *out = &context->tensors[node->outputs->items[0]];
    size_t channels = out->byte_count, pixels = in->byte_count / channels;
    for (size_t channel = 0; channel < channels; channel++) {
        size_t sum = 0;
        for (size_t pixel = 0; pixel < pixels; pixel++) sum += in->bytes[pixel * channels + channel];
        out->bytes[channel] = (sum + pixels / 2) / pixels;
    }
    if (state->garbage) spoil(state->garbage, out->bytes, channels);
    return OK;
}

static int prepare(Context *context, Delegate *delegate) {
    State *state = delegate->state;
    Ints *plan;
    if (context->get_plan(context, &plan) != OK) return ERROR;
    Ints *claimed = calloc(1, sizeof *claimed + plan->size * sizeof(int));
    for (int i = 0; i < plan->size; i++) {
        Node *node;
        Kernel *kernel;
        if (context->get_node(context, plan->items[i], &node, &kernel) == OK &&
            (kernel->custom_name ? !strcmp(kernel->custom_name, "edgetpu-custom-op")
                                 : state->claim && kernel->builtin_code == state->claim))
            claimed->items[claimed->size++] = plan->items[i];
    }
    char line[64];
    snprintf(line, sizeof line, "prepare %d of %d", claimed->size, plan->size);
    note(state, line);
    int status = fails(state, "prepare") ? ERROR : OK;
    if (status == OK && claimed->size) {
        Kernel kernel = {kernel_init, kernel_free, kernel_prepare, kernel_invoke, NULL, BUILTIN_DELEGATE, "Stub", 1, {0}};
        status = context->replace_nodes(context, kernel, claimed, delegate);
    }
    free(claimed);
    return status;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) {
    if (!delegate) return;
    State *state = delegate->state;
    note(state, "destroy");
    free(state->log);
    free(state->fail);
    free(state->kill);
    free(state->garbage);
    free(state);
    free(delegate);
}

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
    Delegate *delegate = calloc(1, sizeof *delegate);
    State *state = calloc(1, sizeof *state);
    char line[512] = "create";
    state->after = 1;
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(line);
        if (!strcmp(keys[i], "log")) state->log = strdup(values[i]);
        else snprintf(line + used, sizeof line - used, " %s=%s", keys[i], values[i]);
        if (!strcmp(keys[i], "fail")) state->fail = strdup(values[i]);
        if (!strcmp(keys[i], "after")) state->after = atoi(values[i]);
        if (!strcmp(keys[i], "garbage")) state->garbage = strdup(values[i]);
        if (!strcmp(keys[i], "claim")) state->claim = atoi(values[i]);
        if (!strcmp(keys[i], "spill")) state->spill = atoi(values[i]);
        if (!strcmp(keys[i], "kill")) state->kill = strdup(values[i]);
    }
    delegate->state = state;
    delegate->prepare = prepare;
    delegate->flags = ALLOW_DYNAMIC_TENSORS;  /* else the runtime looks for the operators before it asks us */
    note(state, line);
    if (!fails(state, "create") && !fails(state, "silent")) return delegate;
    if (fails(state, "create") && report) report("stub delegate: no device found");
    tflite_plugin_destroy_delegate(delegate);
    return NULL;
}
