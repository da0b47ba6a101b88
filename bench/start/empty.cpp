// The least that a process costs which loads the same libraries.
int main() {}
