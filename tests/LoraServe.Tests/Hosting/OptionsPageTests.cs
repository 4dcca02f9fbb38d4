namespace LoraServe.Tests.Hosting;

public class OptionsPageTests
{
    [Fact]
    public Task Page_OfTheDocs_IsWhatTheAttributesSay() => CheckedInPage.CheckAsync("options.md", OptionsPage.Text());
}
