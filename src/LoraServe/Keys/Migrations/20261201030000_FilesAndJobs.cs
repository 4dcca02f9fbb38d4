using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LoraServe.Keys.Migrations
{
    /// <inheritdoc />
    public partial class FilesAndJobs : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "MaxFileBytes",
                table: "Keys",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "MaxJobs",
                table: "Keys",
                type: "INTEGER",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "MaxFileBytes",
                table: "Keys");

            migrationBuilder.DropColumn(
                name: "MaxJobs",
                table: "Keys");
        }
    }
}
