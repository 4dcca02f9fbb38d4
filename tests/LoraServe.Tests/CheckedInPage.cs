namespace LoraServe.Tests;

/// <summary>A page of docs/ that is written from the code.</summary>
internal static class CheckedInPage
{
    // The one who sets it wants the pages written anew.
    private const string WriteVariable = "LORASERVE_WRITE_DOCS";

    /// <summary>Fails if the page is not what the code says; with LORASERVE_WRITE_DOCS=1 writes it instead.</summary>
    /// <param name="name">The file's name in docs/.</param>
    /// <param name="page">What the code says.</param>
    public static async Task CheckAsync(string name, string page)
    {
        var path = Repository.File("docs", name);
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
            await File.WriteAllTextAsync(path, page, TestContext.Current.CancellationToken);

        var written = File.Exists(path) ? await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken) : "";
        written.ShouldBe(page, $"docs/{name} is not what the code says: run this test with {WriteVariable}=1 and check the page in");
    }
}
