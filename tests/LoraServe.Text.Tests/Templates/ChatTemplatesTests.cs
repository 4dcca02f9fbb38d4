using System.Text.Json;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates;

public sealed class ChatTemplatesTests : IDisposable
{
    private const string Config = "tokenizer_config.json";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_TextInTokenizerConfig_IsTheDefault()
    {
        Write(Config, """{"chat_template": "[{{ bos_token }}{{ messages[0].content }}]", "bos_token": "<s>"}""");

        var templates = ChatTemplates.Load(_folder.Path);

        templates.Names.ShouldBe(["default"]);
        templates.Faults.ShouldBeEmpty();
        templates.Render(Input()).ShouldBe("[<s>hi]");
    }

    [Fact]
    public void Load_TemplateFile_WinsOverTokenizerConfig()
    {
        Write(Config, """{"chat_template": "config", "eos_token": {"content": "</s>", "lstrip": false}}""");
        Write("chat_template.jinja", "file{{ eos_token }}");

        ChatTemplates.Load(_folder.Path).Render(Input()).ShouldBe("file</s>");
    }

    [Fact]
    public void Render_NamedList_TakesToolUseForToolsAndDefaultOtherwise()
    {
        Write(Config, """{"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}, {"name": "rag", "template": "R"}]}""");
        var templates = ChatTemplates.Load(_folder.Path);

        templates.Render(Input()).ShouldBe("D");
        templates.Render(Input() with { Tools = Json("[]") }).ShouldBe("T");
        templates.Render(Input(), "rag").ShouldBe("R");
        Should.Throw<ChatTemplateException>(() => templates.Render(Input(), "other")).Message.ShouldContain("default, rag, tool_use");
    }

    [Fact]
    public void Load_AdditionalTemplates_AreNamedAfterTheirFiles()
    {
        Write("chat_template.jinja", "D");
        Directory.CreateDirectory(_folder.File("additional_chat_templates"));
        Write("additional_chat_templates/tool_use.jinja", "T");

        var templates = ChatTemplates.Load(_folder.Path);

        templates.Render(Input()).ShouldBe("D");
        templates.Render(Input() with { Tools = Json("[1]") }).ShouldBe("T");
    }

    [Fact]
    public void Load_SpecialTokens_ComeFromBothFiles()
    {
        Write(Config, """{"bos_token": "<s>", "pad_token": null, "extra_special_tokens": {"image_token": "<image>"}}""");
        Write("special_tokens_map.json", """{"bos_token": "<other>", "unk_token": {"content": "<unk>"}, "additional_special_tokens": ["<a>", {"content": "<b>"}]}""");

        var tokens = ChatTemplates.Load(_folder.Path).SpecialTokens;

        tokens.Keys.ShouldBe(["bos_token", "unk_token", "additional_special_tokens", "image_token"], ignoreOrder: true);
        tokens["bos_token"].GetString().ShouldBe("<s>");
        tokens["unk_token"].GetString().ShouldBe("<unk>");
        tokens["additional_special_tokens"].EnumerateArray().Select(token => token.GetString()).ShouldBe(["<a>", "<b>"]);
        tokens["image_token"].GetString().ShouldBe("<image>");
    }

    [Fact]
    public void Render_Variables_WinOverSpecialTokens()
    {
        Write(Config, """{"chat_template": "{{ bos_token }}{{ eos_token }}", "bos_token": "<s>", "eos_token": "</s>"}""");
        var input = Input() with { Variables = new Dictionary<string, JsonElement> { ["eos_token"] = Json("\"E\"") } };

        ChatTemplates.Load(_folder.Path).Render(input).ShouldBe("<s>E");
    }

    [Fact]
    public void Render_TemplateOfTheCaller_SeesTheSpecialTokens()
    {
        Write(Config, """{"bos_token": "<s>"}""");

        ChatTemplates.Load(_folder.Path).Render(ChatTemplate.Compile("{{ bos_token }}!"), Input()).ShouldBe("<s>!");
    }

    [Theory]
    [InlineData("""{"chat_template": "{% if %}"}""", "chat_template: line 1: expected an expression")]
    [InlineData("""{"chat_template": 5}""", "tokenizer_config.json: chat_template: expected a text or a list")]
    [InlineData("""{"chat_template": [{"name": "a"}]}""", "expected objects with name and template")]
    [InlineData("""{"chat_template": [{"name": "a", "template": "1"}, {"name": "a", "template": "2"}]}""", "'a' appears twice")]
    [InlineData("[]", "tokenizer_config.json: expected a JSON object")]
    [InlineData("""{"extra_special_tokens": {"\ud800": "a"}}""", "tokenizer_config.json: extra_special_tokens: is not valid Unicode")]
    [InlineData("""{"bos_token": "\ud800", "chat_template": "a"}""", "tokenizer_config.json: bos_token: is not valid Unicode")]
    [InlineData("{", "tokenizer_config.json: ")]
    public void Load_UnusableTemplate_TellsWhyWhenRendered(string config, string fault)
    {
        Write(Config, config);

        var templates = ChatTemplates.Load(_folder.Path);

        templates.Faults.ShouldHaveSingleItem().ShouldContain(fault);
        Should.Throw<ChatTemplateException>(() => templates.Render(Input())).Message.ShouldContain(fault);
    }

    [Fact]
    public void Load_TemplateFileTooLarge_IsNotRead()
    {
        using (var file = File.Create(_folder.File("chat_template.jinja"))) file.SetLength((4 << 20) + 1);

        ChatTemplates.Load(_folder.Path).Faults.ShouldHaveSingleItem().ShouldContain("chat_template.jinja: expected at most 4194304 bytes");
    }

    [Fact]
    public void Load_NothingThere_SaysThatThereIsNone()
    {
        var templates = ChatTemplates.Load(_folder.Path);

        templates.Names.ShouldBeEmpty();
        templates.Faults.ShouldBeEmpty();
        Should.Throw<ChatTemplateException>(() => templates.Render(Input())).Message.ShouldBe("The model has no chat template.");
    }

    private void Write(string file, string content) => File.WriteAllText(_folder.File(file), content);

    private static ChatTemplateInput Input() => new() { Messages = Json("""[{"role": "user", "content": "hi"}]"""), Now = RenderedTemplate.Now };

    private static JsonElement Json(string json) => JsonSerializer.Deserialize<JsonElement>(json);
}
