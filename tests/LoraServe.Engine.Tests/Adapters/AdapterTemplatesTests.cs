using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using LoraServe.Text.Tests.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

/// <summary>Chat templates that adapters bring.</summary>
public sealed class AdapterTemplatesTests : IDisposable
{
    private const string TemplateFile = "chat_template.jinja", ConfigFile = "tokenizer_config.json";

    private readonly ManagedAdapters _adapters = new();

    public void Dispose() => _adapters.Dispose();

    [Fact]
    public async Task Acquire_AdapterWithTemplate_BringsIt()
    {
        var info = await Add("a", ManagedAdapters.One, (TemplateFile, "own{{ bos_token }}"));

        info.HasChatTemplate.ShouldBeTrue();
        _adapters.Manager.Find("a")!.HasChatTemplate.ShouldBeTrue();
        (await Rendered("a")).ShouldBe("own<base>");
        _adapters.Restart();
        (await Rendered("a")).ShouldBe("own<base>");
        _adapters.Manager.Find("a")!.HasChatTemplate.ShouldBeTrue();
    }

    [Fact]
    public async Task Acquire_TemplateInTokenizerConfig_BringsItWithItsTokens()
    {
        await Add("a", ManagedAdapters.One, (ConfigFile, """{"chat_template": "config{{ bos_token }}", "bos_token": "<own>"}"""));

        (await Rendered("a")).ShouldBe("config<own>");
    }

    [Fact]
    public async Task Acquire_AdapterWithoutTemplate_BringsNone()
    {
        var info = await Add("a", ManagedAdapters.One, (ConfigFile, """{"bos_token": "<own>"}"""));

        info.HasChatTemplate.ShouldBeFalse();
        (await Rendered("a")).ShouldBeNull();
    }

    [Fact]
    public async Task Add_Template_BelongsToTheVersion()
    {
        var bare = (await _adapters.Add("bare", ManagedAdapters.One)).Version;
        var config = (await Add("config", ManagedAdapters.One, (ConfigFile, """{"bos_token": "<own>"}"""))).Version;
        var one = (await Add("one", ManagedAdapters.One, (TemplateFile, "1"))).Version;
        var two = (await Add("two", ManagedAdapters.One, (TemplateFile, "2"))).Version;
        var same = (await Add("same", ManagedAdapters.One, (ConfigFile, """{"chat_template": "1"}"""))).Version;

        config.ShouldBe(bare);
        same.ShouldBe(one);
        new[] { bare, one, two }.Distinct().Count().ShouldBe(3);
        (await Rendered("one")).ShouldBe("1");
        (await Rendered("two")).ShouldBe("2");
        (await Rendered("bare")).ShouldBeNull();
    }

    [Theory]
    [InlineData(TemplateFile, "{% if %}", "chat_template: line 1: expected an expression")]
    [InlineData(ConfigFile, """{"chat_template": "{{ x"}""", "chat_template: line 1: the tag has no end")]
    [InlineData(ConfigFile, "{", "tokenizer_config.json: ")]
    public async Task Add_UnusableTemplate_Refuses(string file, string content, string fault)
    {
        var refused = await Should.ThrowAsync<InvalidAdapterException>(() => Add("a", ManagedAdapters.One, (file, content)));

        refused.Kind.ShouldBe(AdapterFault.Malformed);
        refused.Faults.ShouldHaveSingleItem().ShouldContain(fault);
        _adapters.Manager.Find("a").ShouldBeNull();
    }

    [Fact]
    public async Task Add_TemplateTooLarge_Refuses() =>
        (await Should.ThrowAsync<InvalidAdapterException>(() => Add("a", ManagedAdapters.One, (TemplateFile, new string('a', (4 << 20) + 1)))))
            .Kind.ShouldBe(AdapterFault.TooLarge);

    [Theory]
    [InlineData("same", "same", "same")]
    [InlineData("same", "other", null)]
    [InlineData("same", null, null)]
    [InlineData(null, null, null)]
    public async Task Acquire_Mix_BringsWhatAllPartsBring(string? one, string? two, string? expected)
    {
        await Add("a", ManagedAdapters.One, one is null ? null : (TemplateFile, one));
        await Add("b", ManagedAdapters.Two, two is null ? null : (TemplateFile, two));

        (await Rendered("a:0.5,b:0.5")).ShouldBe(expected);
    }

    [Fact]
    public async Task Truncate_AdapterWithTemplate_KeepsIt()
    {
        await Add("a", ManagedAdapters.Two, (TemplateFile, "own"));

        using var truncated = await _adapters.Manager.TruncateAsync(AdapterReference.Parse("a"), 4, "b", CancellationToken.None);
        var stored = await _adapters.Manager.StoreAsync(truncated.Adapter, CancellationToken.None);

        stored.HasChatTemplate.ShouldBeTrue();
        (await Rendered("b")).ShouldBe("own");
    }

    [Fact]
    public async Task Restart_FolderWithTemplate_BringsItAndSeesItsChanges()
    {
        var folder = _adapters.FolderWithOne();
        await File.WriteAllTextAsync(Path.Combine(folder, "own", TemplateFile), "first");
        _adapters.Restart(folder);
        var first = _adapters.Manager.Find("own")!;
        (await Rendered("own")).ShouldBe("first");
        await File.WriteAllTextAsync(Path.Combine(folder, "own", TemplateFile), "second one");
        _adapters.Restart(folder);

        first.HasChatTemplate.ShouldBeTrue();
        (await Rendered("own")).ShouldBe("second one");
        _adapters.Manager.Find("own")!.Version.ShouldNotBe(first.Version);
    }

    [Fact]
    public void Share_LeaseWithTemplates_HasThemToo()
    {
        using var lease = AdapterLease.Base();
        using var own = new AdapterLease(LoraServe.Engine.Lora.LoraAdapter.Base, static () => { }) { ChatTemplates = ChatTemplates.None };

        using var shared = own.Share();

        shared.ChatTemplates.ShouldBe(ChatTemplates.None);
        lease.ChatTemplates.ShouldBeNull();
    }

    private async Task<AdapterInfo> Add(string name, string adapter, (string File, string Content)? template)
    {
        using var upload = _adapters.Manager.BeginUpload();
        foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", adapter)))
        {
            await using var stream = File.OpenRead(file);
            await upload.ReadFileAsync(Path.GetFileName(file), stream, CancellationToken.None);
        }

        if (template is { } own)
            await upload.ReadFileAsync(own.File, new MemoryStream(System.Text.Encoding.UTF8.GetBytes(own.Content)), CancellationToken.None);
        return await _adapters.Manager.AddAsync(name, upload, new AddOptions { Replace = true }, CancellationToken.None);
    }

    private async Task<string?> Rendered(string reference)
    {
        using var lease = await _adapters.Manager.AcquireAsync(reference, CancellationToken.None);
        return lease.ChatTemplates?.Render(
            new ChatTemplateInput { Messages = System.Text.Json.JsonSerializer.SerializeToElement(Array.Empty<string>()), Now = RenderedTemplate.Now });
    }
}
