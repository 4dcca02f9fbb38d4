using System.Net.Http.Json;
using LoraServe.Api;
using LoraServe.Keys;
using LoraServe.Tests.Keys;
using LoraServe.Tests.Training;
using Microsoft.Data.Sqlite;

namespace LoraServe.Tests.Storage;

public sealed class FullDiskTests
{
    /// <summary>However the fault comes out of what was writing.</summary>
    [Fact]
    public void Map_FullDisk_Is507()
    {
        var full = new SqliteException("database or disk is full", 13);
        foreach (var exception in new Exception[] { full, new IOException("The database cannot be written", full), new InvalidOperationException("x", full) })
        {
            var (status, error) = ErrorMapper.Map(exception, AdapterAccess.All);
            (status, error.Code, error.Type).ShouldBe((507, "insufficient_storage", "server_error"));
        }
    }

    /// <summary>Needs a small file system: <c>mount -t tmpfs -o size=24m tmpfs DIR</c>, then run with TMPDIR=DIR and LORASERVE_SMALL_DISK=1.</summary>
    [Fact]
    public async Task Requests_DiskFull_AreRefusedAndDeletingWorks()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("LORASERVE_SMALL_DISK") is null, "The temporary folder is not on a small file system.");
        await using var server = new KeyedServer();
        await server.InitializeAsync();
        var admin = server.Admin;
        var (other, _) = server.CreateKey();
        await KeyedServer.PutAsync(admin, "stays");
        await KeyedServer.PutAsync(admin, "goes", "rank-1");
        var file = await admin.FileAsync("""{"prompt": "a", "completion": "b"}""");
        Fill(Path.Combine(server.Data, "filler"));

        using var adapter = await admin.PutAsync("/v1/adapters/new?measure_effect=false", KeyedServer.Archive("attention-r4"));
        (await LoraServeServer.ErrorAsync(adapter, 507)).Text("code").ShouldBe("insufficient_storage");
        using var upload = await admin.UploadAsync(new string(' ', 100_000) + """{"prompt": "a", "completion": "b"}""");
        (await LoraServeServer.ErrorAsync(upload, 507)).Text("code").ShouldBe("insufficient_storage");
        // The log of a database may have room for some changes.
        var status = 0;
        for (var i = 0; i < 200 && status != 507; i++)
        {
            using var key = await admin.PostAsJsonAsync("/v1/keys", new { name = "k", scopes = new[] { "admin" } });
            status = (int)key.StatusCode;
            if (!key.IsSuccessStatusCode) (await LoraServeServer.ErrorAsync(key, 507)).Text("code").ShouldBe("insufficient_storage");
        }

        status.ShouldBe(507);
        using var revoked = await admin.DeleteAsync($"/v1/keys/{other.Id}");
        revoked.IsSuccessStatusCode.ShouldBeTrue(await revoked.Content.ReadAsStringAsync());
        using var deleted = await admin.DeleteAsync($"/v1/files/{file}");
        deleted.IsSuccessStatusCode.ShouldBeTrue(await deleted.Content.ReadAsStringAsync());
        using var removed = await admin.DeleteAsync("/v1/adapters/goes");
        removed.IsSuccessStatusCode.ShouldBeTrue(await removed.Content.ReadAsStringAsync());

        File.Delete(Path.Combine(server.Data, "filler"));
        await KeyedServer.PutAsync(admin, "new");
        server.Engine.Adapters.List().Select(info => info.Name).ShouldBe(["new", "stays"]);
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true) file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // It is full.
        }
    }
}
