/*
 * tools/replay.c: runs a fuzz target over kept inputs, without a fuzzer.
 *
 * usage: PROGRAM [FILE|DIR]...; each file is one test, named in TAP. The empty input always runs
 * first. A crash ends the program, which the test runner counts as a failure; the last "# run" line
 * tells which input it was. Needs nothing but the target's one function.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int test_count;

static void report(int good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++test_count, name);
    fflush(stdout);
}

/* Runs one file; a heap copy of exactly its size lets the address sanitizer see one byte too far. */
static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (file == NULL || fstat(fileno(file), &st) < 0) {
        report(0, path);
        if (file != NULL)
            fclose(file);
        return;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    int good = data != NULL && fread(data, 1, size, file) == size;
    fclose(file);
    printf("# run %s\n", path);
    fflush(stdout);
    report(good && LLVMFuzzerTestOneInput(data, size) == 0, path);
    free(data);
}

static void run_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        run_file(path);
        return;
    }
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    if (count < 0) {
        report(0, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char full[4096];
        int n = snprintf(full, sizeof(full), "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && n > 0 && (size_t)n < sizeof(full))
            run_file(full);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    const uint8_t nothing[1] = {0};
    report(LLVMFuzzerTestOneInput(nothing, 0) == 0, "the empty input");
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("1..%d\n", test_count);
    return 0;
}
